"""How much sooner a run ends if its folds train at the same time.

    python benchmarks/jobs.py [--jobs 2] [--folds 2] [--steps 1600] [--rounds 2] [--json]

Both runs train the synthetic pages of the denoising competition in new processes with one thread of
torch each, so their weights, predictions and submissions are the same bytes, which is checked. The
times are those of whole commands: the start of Python, all folds, the scores and the submission.
The start of a process costs about 12 seconds of a core, so folds of a few seconds gain nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from results import show


def command(options: argparse.Namespace, jobs: int) -> list[str]:
    """The command line of a run."""
    settings = {
        "folds": options.folds,
        "max_steps": options.steps,
        "validations": 1,
        "device": "cpu",
        "options.crop": 64,
        "loader.batch_size": 8,
        "predict.tta": "none",
    }
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return [
        sys.executable,
        "-m",
        "comp",
        "run",
        "denoising",
        "--sample",
        *sets,
        "--jobs",
        str(jobs),
    ]


def seconds_of(options: argparse.Namespace, jobs: int, place: Path) -> float:
    """The wall-clock seconds of a run in a new folder.

    Raises:
        SystemExit: it failed.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    place.mkdir()
    started = time.perf_counter()
    done = subprocess.run(
        command(options, jobs),
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - started


def results_of(place: Path) -> dict[str, bytes]:
    """The weights, predictions and the submission of the run in a folder."""
    (run,) = [path.parent for path in place.glob("runs/*/*/run.json")]
    (submission,) = place.glob("submissions/*/*.csv")
    files = {path.relative_to(run).as_posix(): path for path in run.rglob("*.safetensors")}
    return {name: path.read_bytes() for name, path in files.items() if "reader" not in name} | {
        "submission": submission.read_bytes()
    }


def main() -> None:
    """Run both in turn, and print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds: dict[int, list[float]] = {1: [], options.jobs: []}
    with TemporaryDirectory() as scratch:
        for number in range(options.rounds):
            found = []
            for jobs, times in seconds.items():
                place = Path(scratch) / f"{number}-{jobs}"
                times.append(seconds_of(options, jobs, place))
                found.append(results_of(place))
            if found[0] != found[1]:
                sys.exit("the runs have different results")
    serial = statistics.median(seconds[1])
    rows: list[dict[str, Any]] = [
        {"jobs": jobs, "seconds": round(statistics.median(times), 1)}
        | {"ratio": round(statistics.median(times) / serial, 3)}
        for jobs, times in seconds.items()
    ]
    notes = [f"{options.folds} folds of {options.steps} steps, one thread each; the same bytes"]
    show("folds at the same time", rows, notes, options.json)


if __name__ == "__main__":
    main()
