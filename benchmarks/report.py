"""Seconds and size of writing the report of a run of 10,000 samples, against one of 1,000.

    python benchmarks/report.py [--rounds 3] [--json]

The runs are short, on drawn data: small photographs of two classes, and rows of a table. Every
report is written by a process of its own, which has imported the libraries before; the time is
that from reading the files of the run to the finished page, without explanations of images.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from results import show

SIZES = (1_000, 10_000)
TEST = 1_000
SETTINGS: Mapping[str, Any] = {
    "folds": 3,
    "max_steps": 60,
    "validations": 2,
    "device": "cpu",
    "predict": {"tta": "none", "batch_size": 256},
    "loader": {"batch_size": 32},
    "report": {"write": False, "explain": 0},
}
IMAGES: Mapping[str, Any] = {"image": {"size": 32}}
TABLE: Mapping[str, Any] = {"model": ["gbdt"]}


def draw_photographs(root: Path, count: int) -> None:
    """Smooth colours; those of dogs are a little warmer. One label of twenty is wrong."""
    import cv2

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    for part, size in (("train", count), ("test", TEST)):
        (root / part).mkdir()
        for index in range(size):
            rough = rng.integers(0, 200, (4, 4, 3), dtype=np.uint8)
            if part == "train":
                rough[..., 2] += np.uint8(50 * labels[index])
            cv2.imwrite(str(root / part / f"{index + 1}.png"), cv2.resize(rough, (32, 32)))
    shown = np.where(rng.random(count) < 0.05, 1 - labels, labels)
    names = np.array(["cat", "dog"])[shown]
    rows = "".join(f"{index + 1},{name}\n" for index, name in enumerate(names))
    (root / "trainLabels.csv").write_text("id,label\n" + rows)
    rows = "".join(f"{index + 1},cat\n" for index in range(TEST))
    (root / "sampleSubmission.csv").write_text("id,label\n" + rows)


def draw_rows(root: Path, count: int) -> None:
    """As many districts as are wanted, of several draws of the plugin's data."""
    import polars as pl

    from comp.contract import registry

    drawn: dict[str, list[pl.DataFrame]] = {"train": [], "test": []}
    for seed in range(-(-count // 300)):
        registry.get("housing").draw_synthetic(root, np.random.default_rng(seed))
        for name, frames in drawn.items():
            frames.append(pl.read_csv(root / f"{name}.csv"))
    train, test = (pl.concat(drawn[name]) for name in drawn)
    train, test = train.head(count), test.head(TEST)
    train = train.with_columns(pl.int_range(count).alias("id"))
    test = test.with_columns(pl.int_range(count, count + test.height).alias("id"))
    train.write_csv(root / "train.csv")
    test.write_csv(root / "test.csv")
    blank = test.select("id", pl.lit(200_000.0).alias("median_house_value"))
    blank.write_csv(root / "sample_submission.csv")


CASES: Mapping[str, tuple[Callable[[Path, int], None], Mapping[str, Any]]] = {
    "cats-dogs": (draw_photographs, IMAGES),
    "housing": (draw_rows, TABLE),
}


def make_run(name: str, count: int, folder: Path) -> str:
    """Draw the data and run; returns the id of the run."""
    from comp.config.schema import resolve
    from comp.contract import registry
    from comp.data.location import DataSource
    from comp.pipeline.run import run
    from comp.runs.progress import Silent
    from comp.workspace import Workspace

    competition, (draw, own) = registry.get(name), CASES[name]
    data = folder / "drawn"
    data.mkdir(parents=True)
    draw(data, count)
    layers = [competition.defaults, competition.synthetic_defaults, SETTINGS, own]
    config = resolve(name, layers, competition.options)
    return run(config, DataSource(data, False), Workspace.at(folder), Silent()).run_id


def measure(run_id: str, folder: Path) -> None:
    """Print the seconds and megabytes of a report as JSON; runs in a process of its own."""
    import pandas  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import torch  # noqa: F401

    from comp.review.write import write_report
    from comp.workspace import Workspace

    began = time.perf_counter()
    path = write_report(run_id, Workspace.at(folder), path=folder / "report.html")
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "mb": path.stat().st_size / 1e6}))


def spawn(run_id: str, folder: Path) -> dict[str, float]:
    """Measure one report in a new process."""
    command = [sys.executable, __file__, "--measure", run_id, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def rows_of(name: str, folder: Path, rounds: int) -> list[dict[str, Any]]:
    """The rows of one competition; all sizes are measured in turn."""
    places = {count: folder / f"{name}-{count}" for count in SIZES}
    runs = {count: make_run(name, count, place) for count, place in places.items()}
    found: dict[int, list[dict[str, float]]] = {count: [] for count in SIZES}
    for _ in range(rounds):
        for count, results in found.items():
            results.append(spawn(runs[count], places[count]))
    rows, first = [], found[SIZES[0]]
    for count, results in found.items():
        seconds, mb = (statistics.median(r[key] for r in results) for key in ("seconds", "mb"))
        usual = statistics.median(result["seconds"] for result in first)
        rows.append(
            {
                "competition": name,
                "samples": f"{count:,}",
                "seconds": seconds,
                "MB": mb,
                f"seconds / those of {SIZES[0]:,}": seconds / usual,
                f"MB / those of {SIZES[0]:,}": mb / first[0]["mb"],
            }
        )
    return rows


def main() -> None:
    """Measure the reports of all competitions and sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="times that each is measured")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--measure", metavar="RUN", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.folder)
        return
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as scratch:
        for name in CASES:
            rows += rows_of(name, Path(scratch), options.rounds)
    notes = [f"median of {options.rounds} rounds", "target: below 5 s and 3 MB for 10,000 samples"]
    show("The report of a run", rows, notes, options.json)


if __name__ == "__main__":
    main()
