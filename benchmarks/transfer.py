"""Pretrained against random weights, and a frozen backbone against full and staged training.

    python benchmarks/transfer.py [--data ZIP_OR_FOLDER] [--weights FILE] [--steps 300]
        [--backbone tf_mobilenetv3_small_100] [--size 224] [--json]

Every contender is one whole run of the plugin on the same fold with the same batches in the same
order, of as many steps; only where the weights come from and what is frozen differs. The first
fold is held out; where the data has labels of the test images, they are graded too, at 0.5.
Without --data the radiographs are drawn, and say nothing about real ones; without --weights the
weights come from the hub.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from results import show

from comp.config.schema import resolve
from comp.data.location import locate_data
from comp.pipeline.fold_context import epoch_steps
from comp.pipeline.grade import grade
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.training.checkpoint import META
from comp.workspace import Workspace
from competitions.chest_xray import COMPETITION

NONE = {"pretrained": False, "weights": None}
CONTENDERS: Mapping[str, Mapping[str, Any]] = {
    "random weights, all layers": NONE,
    "random weights, backbone frozen": NONE | {"freeze": "all"},
    "pretrained, backbone frozen": {"freeze": "all"},
    "pretrained, staged thaw": {"freeze": "all", "thaw": "staged"},
    "pretrained, thaw at once": {"freeze": "all", "thaw": "at-once"},
    "pretrained, all layers": {},
}


def settings(name: str, options: argparse.Namespace, epochs: float) -> Mapping[str, Any]:
    """The keys of a contender; thawing begins at a tenth of the steps and is done at a half."""
    own: dict[str, Any] = {
        "backbone": options.backbone,
        "weights": options.weights and options.weights.absolute(),
        "pretrained": True,
        "image": {"size": options.size},
        "max_steps": options.steps,
    } | CONTENDERS[name]
    if how := own.get("thaw"):
        own["thaw"] = {"how": how, "after": epochs / 10, "every": epochs * 0.4 / options.stages}
    return own


def measure(name: str, options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Train one contender and return its row."""
    workspace = Workspace.at(scratch)
    source = locate_data(COMPETITION, workspace, options.data, options.data is None)
    samples = len(COMPETITION.samples(source.root, "train"))
    plain = resolve(COMPETITION.name, [COMPETITION.defaults], COMPETITION.options)
    epochs = options.steps / epoch_steps(plain, int(samples * (1 - 1 / plain.folds)))
    layers = [COMPETITION.defaults, settings(name, options, epochs)]
    config = resolve(COMPETITION.name, layers, COMPETITION.options)
    began = time.perf_counter()
    summary = run(config, source, workspace, Silent(), only=[0])
    seconds = time.perf_counter() - began
    fold = json.loads((summary.run_dir / "fold-0" / META).read_text())
    test = grade(summary.run_id, workspace)
    held_out, tested = summary.classes[0]["estimates"], test.scores[0]["estimates"]
    auc = held_out["auc"]
    return {
        "what": name,
        "AUC of the fold": round(summary.cv_score, 4),
        "95 %": f"{auc['low']:.3f} to {auc['high']:.3f}",
        "accuracy": round(held_out["accuracy"]["value"], 3),
        "test AUC": None if test.value is None else round(test.value, 4),
        "test accuracy": round(tested["accuracy"]["value"], 3),
        "images/s": fold["images_per_second"],
        "seconds": seconds,
    }


def main() -> None:
    """Run every contender and show one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder or zip; drawn data without")
    parser.add_argument("--weights", type=Path, help="file of pretrained weights; the hub without")
    parser.add_argument("--backbone", default="tf_mobilenetv3_small_100", help="any of timm's")
    parser.add_argument("--size", type=int, default=224, help="side of the images, in pixels")
    parser.add_argument("--steps", type=int, default=300, help="optimizer steps of each contender")
    parser.add_argument("--stages", type=int, default=7, help="stages that a staged thaw goes over")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    with TemporaryDirectory() as scratch:
        rows = [measure(name, options, Path(scratch)) for name in CONTENDERS]
    notes = [
        f"{options.backbone} at {options.size} pixels, {options.steps} steps",
        "real data" if options.data else "drawn data",
    ]
    show("Transfer learning", rows, notes, options.json)


if __name__ == "__main__":
    main()
