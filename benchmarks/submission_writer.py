"""Seconds and memory of writing a submission of millions of rows: a naive writer against ours.

    python benchmarks/submission_writer.py [--rounds 3] [--json]

The naive writer is what many notebooks do: a list of ids made by a comprehension, a pandas
DataFrame, `to_csv`. Every measurement has a process of its own; memory is the peak of the process
above what it held when the predictions were ready and the libraries imported.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from results import show

TALL, SHORT = (420, 540), (258, 540)
PAGES = {str(number): TALL if number <= 20 else SHORT for number in range(1, 30)}
ROWS = sum(height * width for height, width in PAGES.values())
SAMPLE = "sampleSubmission.csv"

Predictions = Mapping[str, np.ndarray]


def predictions() -> Predictions:
    """Random pages in 0..1, as a model would leave them."""
    rng = np.random.default_rng(0)
    return {name: rng.random(size, dtype=np.float32) for name, size in PAGES.items()}


def naive(pages: Predictions, folder: Path) -> None:
    """A list of ids, a DataFrame, `to_csv`."""
    import pandas as pd

    ids = [
        f"{name}_{row + 1}_{column + 1}"
        for name, page in pages.items()
        for row in range(page.shape[0])
        for column in range(page.shape[1])
    ]
    values = np.concatenate([page.ravel() for page in pages.values()])
    pd.DataFrame({"id": ids, "value": values}).to_csv(folder / "naive.csv", index=False)


def write(pages: Predictions, folder: Path) -> None:
    """Our writer alone."""
    from comp.submission.write import pixel_rows, write_rows

    write_rows(folder / "ours.csv", (pixel_rows(name, page) for name, page in pages.items()))


def validate(_pages: Predictions, folder: Path) -> None:
    """Our check of a written submission against the sample alone."""
    from comp.submission.spec import SubmissionSpec
    from comp.submission.validate import validate_submission

    spec = SubmissionSpec(template=folder / SAMPLE, limits=(0.0, 1.0))
    validate_submission(folder / "ours.csv", spec)


def both(pages: Predictions, folder: Path) -> None:
    """What a run does: write, flush, check, rename."""
    from comp.submission.spec import SubmissionSpec
    from comp.submission.write import make_submission, pixel_rows

    parts = (pixel_rows(name, page) for name, page in pages.items())
    spec = SubmissionSpec(template=folder / SAMPLE, limits=(0.0, 1.0))
    make_submission(folder / "checked.csv", parts, spec)


TASKS: dict[str, Callable[[Predictions, Path], None]] = {
    "naive pandas": naive,
    "ours: write": write,
    "ours: validate": validate,
    "ours: write and validate": both,
}


def measure(task: str, folder: Path) -> None:
    """Print seconds and peak megabytes above the start, as JSON; runs in a process of its own."""
    import pandas  # noqa: F401
    import polars  # noqa: F401

    import comp.submission.write  # noqa: F401

    pages = predictions()
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    TASKS[task](pages, folder)
    seconds = time.perf_counter() - began
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps({"seconds": seconds, "mb": max(0, peak - before) / 1e6}))


def spawn(task: str, folder: Path) -> dict[str, float]:
    """Measure one task in a new process."""
    command = [sys.executable, __file__, "--task", task, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    """Measure every task in turn, several times, and show medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="times that each is measured")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        measure(options.task, options.folder)
        return
    found: dict[str, list[dict[str, float]]] = {task: [] for task in TASKS}
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        spawn("ours: write", folder)
        (folder / "ours.csv").rename(folder / SAMPLE)
        for _ in range(options.rounds):
            for task, results in found.items():
                results.append(spawn(task, folder))
    usual = statistics.median(result["seconds"] for result in found["naive pandas"])
    rows = []
    for task, results in found.items():
        seconds = statistics.median(result["seconds"] for result in results)
        peak = max(result["mb"] for result in results)
        rows.append(
            {
                "writer": task,
                "seconds": seconds,
                "peak MB above start": peak,
                "times as fast as naive": usual / seconds,
            }
        )
    notes = [f"median of {options.rounds} rounds", "target: 7 times as fast, below 250 MB"]
    show(f"A submission of {ROWS:,} rows", rows, notes, options.json)


if __name__ == "__main__":
    main()
