"""Which settings of the training help on folds, and which on a labelled test of another source.

    python benchmarks/carry_over.py [--data ZIP_OR_FOLDER] [--shifted ZIP_OR_FOLDER]
        [--weights FILE] [--steps 120] [--backbone tf_mobilenetv3_small_100] [--size 160]
        [--folds 2] [--only NAME ...] [--json]

Every contender is a short run of the chest X-ray plugin with the same folds, steps and batches; it
differs from the first in the settings that its name says. --shifted is labelled data in the layout
of the plugin, or folders of its classes: no contender trains on it, and nothing is chosen by it.
Without --data the radiographs are drawn, and say nothing about real ones.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from results import show

from comp.config.nesting import merge
from comp.config.schema import resolve
from comp.data.location import locate_data
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.workspace import Workspace
from competitions.chest_xray import COMPETITION

CONTENDERS: Mapping[str, Mapping[str, Any]] = {
    "as the plugin": {},
    "as before": {
        "augment": {
            **{"preset": "none", "rotate": 12.0, "shift": 0.06, "scale": 0.15},
            **{"brightness": 0.3, "contrast": 0.3, "gamma": 0.3},
            **{"blur": 0.3, "noise": 0.1, "erase": 0.3},
        }
    },
    "no augmentation": {"loader": {"augment": False}},
    "light": {"augment": {"preset": "light"}},
    "medium": {"augment": {"preset": "medium"}},
    "trivial": {"augment": {"preset": "trivial"}},
    "rand": {"augment": {"preset": "rand"}},
    "no jpeg and resample": {"augment": {"jpeg": 0.0, "resample": 0.0}},
    "no random equalisation": {"augment": {"clahe": 0.0, "equalize": 0.0}},
    "no stretch": {"augment": {"stretch": 0.0}},
    "equalised": {"image": {"equalize": "histogram"}},
    "clahe": {"image": {"equalize": "clahe"}},
    "smoothing": {"loss": {"smoothing": 0.1}},
    "mixup": {"loader": {"mixup": 0.2}},
    "swa": {"average": {"how": "swa"}},
    "soup": {"average": {"how": "soup"}},
    "greedy soup": {"average": {"how": "greedy-soup"}},
}


def measure(name: str, options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Run one contender and return its row."""
    workspace = Workspace.at(scratch)
    source = locate_data(COMPETITION, workspace, options.data, options.data is None)
    same: dict[str, Any] = {
        "backbone": options.backbone,
        "weights": options.weights and options.weights.absolute(),
        "pretrained": options.weights is not None,
        "image": {"size": options.size},
        "max_steps": options.steps,
        "validation": options.shifted and options.shifted.absolute(),
        "validation_groups": "own",  # the official test counts its patients from 1 again
    }
    layers = [COMPETITION.defaults, merge(same, CONTENDERS[name])]
    config = resolve(COMPETITION.name, layers, COMPETITION.options)
    began = time.perf_counter()
    summary = run(config, source, workspace, Silent(), only=range(options.folds))
    shifted = summary.validation
    scores: Any = shifted["scores"][0]["estimates"] if shifted else {}
    return {
        "what": name,
        "AUC of the folds": round(summary.cv_score, 4),
        "accuracy": round(summary.classes[0]["estimates"]["accuracy"]["value"], 3),
        "AUC of the shifted test": round(shifted["score"], 4) if shifted else None,
        "95 %": f"{shifted['low']:.3f} to {shifted['high']:.3f}" if shifted.get("low") else None,
        "accuracy there": round(scores["accuracy"]["value"], 3) if scores else None,
        "seconds": time.perf_counter() - began,
    }


def main() -> None:
    """Run the contenders and show one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder or zip; drawn data without")
    parser.add_argument("--shifted", type=Path, help="folder or zip of labelled data")
    parser.add_argument("--weights", type=Path, help="file of pretrained weights; random without")
    parser.add_argument("--backbone", default="tf_mobilenetv3_small_100", help="any of timm's")
    parser.add_argument("--size", type=int, default=160, help="side of the images, in pixels")
    parser.add_argument("--steps", type=int, default=120, help="optimizer steps of each fold")
    parser.add_argument("--folds", type=int, default=2, help="folds of five that are trained")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, help="contenders; all without")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    with TemporaryDirectory() as scratch:
        rows = [measure(name, options, Path(scratch)) for name in options.only or CONTENDERS]
    notes = [
        f"{options.backbone} at {options.size} pixels, {options.steps} steps, "
        f"{options.folds} of 5 folds, one seed",
        "real data" if options.data else "drawn data",
    ]
    show("Training that carries over", rows, notes, options.json)


if __name__ == "__main__":
    main()
