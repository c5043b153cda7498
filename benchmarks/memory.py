"""Peak memory of masks from predictions to a submission: it does not grow with their number.

    python benchmarks/memory.py [--masks 20,80] [--side 1024] [--json]

Masks are drawn, without a network. Each number of masks has a process of its own, which writes
their predictions of two folds, joins them and averages them, fits the decisions on some of them,
scores them, and writes rows of runs (RLE). Memory is the peak of the process above what it held
when it began.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from results import show

FOLDS = 2


def measure(count: int, side: int) -> dict[str, Any]:
    """The memory after each part, in MB above that of the start."""
    from comp.contract.metrics import DICE
    from comp.contract.sample import Sample
    from comp.contract.task import decisions
    from comp.inference.oof import OofPairs
    from comp.inference.predictions import (
        average_predictions,
        join_predictions,
        save_predictions,
    )
    from comp.inference.score_interval import score_interval
    from comp.submission.rle import RleFormat, encode
    from comp.tasks.segmentation import segmentation

    task = segmentation(("mask",))
    samples = [Sample(id=f"m{i:06}", target=Path(f"{i}")) for i in range(count)]

    def reader(sample: Sample) -> dict[str, np.ndarray]:
        return {"target": (disc(sample.id, side) > 0.5).astype(np.uint8)[..., None] * 255}

    def predicted(part: list[Sample]) -> Iterator[tuple[Sample, np.ndarray]]:
        return ((sample, disc(sample.id, side)[..., None]) for sample in part)

    started, held, found = time.process_time(), peak(), {}
    with TemporaryDirectory() as folder:
        place = Path(folder)
        files = [place / f"{fold}.safetensors" for fold in range(FOLDS)]
        for fold, file in enumerate(files):
            save_predictions(file, predicted(samples[fold::FOLDS]))
        found["written MB"] = peak() - held
        save_predictions(place / "oof.safetensors", join_predictions(files, samples))
        found["joined MB"] = peak() - held
        for file in files:
            file.unlink()
        same = [place / "oof.safetensors"] * FOLDS
        save_predictions(place / "test.safetensors", average_predictions(same, samples))
        found["averaged MB"] = peak() - held
        pairs = OofPairs(task, partial(join_predictions, same[:1], samples), reader)
        fit = task.decision.fit if task.decision else None
        params = fit(pairs, DICE, 0) if fit else ()
        score_interval(DICE, decisions(task, pairs, params), 0)
        task.scores(pairs, params, 0)
        found["scored MB"] = peak() - held
        apply, shape = task.decision.apply, RleFormat()  # type: ignore[union-attr]
        runs = 0
        for _, values in join_predictions([place / "test.safetensors"], samples):
            runs += len(encode(apply(values, params)[..., 0] > 0, shape))
        found["submitted MB"] = peak() - held
    return {
        "masks": f"{count:,} x {side:,} x {side:,}",
        **found,
        "predictions MB": count * side**2 * 4 / 2**20,
        "cpu s": time.process_time() - started,
    }


def disc(name: str, side: int) -> np.ndarray:
    """A disc whose edge is not sure, float32 (side, side)."""
    place = (int(name[1:]) * 37 % 100) / 100
    y, x = np.ogrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    distance = np.hypot(y - place, x - 0.5)
    chances: np.ndarray = (1 / (1 + np.exp((distance - 0.3) * 40))).astype(np.float32)
    return chances


def peak() -> float:
    """The peak of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure each number of masks in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masks", default="20,80", help="numbers of masks")
    parser.add_argument("--side", type=int, default=1024, help="pixels of a side")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.side)))
        return
    rows = []
    for count in options.masks.split(","):
        command = [sys.executable, __file__, "--one", count, "--side", str(options.side)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    show("memory of masks", rows, ["peak above the start of the process"], options.json)


if __name__ == "__main__":
    main()
