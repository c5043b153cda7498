"""What Ray costs: folds that sleep, on 1, 2 and 4 workers of a Ray that starts here.

The efficiency is the time that the folds sleep, divided by the time until the last result is here.
It contains the start of the processes in which the folds run.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from results import show

from comp.config.placement import Placement
from comp.engines.choose import Machine
from comp.engines.ray_cluster import RayEngine


def sleep(seconds: float, report: Any) -> float:
    """A fold that only sleeps, and reports progress ten times."""
    for number in range(10):
        time.sleep(seconds / 10)
        report(number)
    return seconds


def measure(workers: int, folds: int, seconds: float) -> dict[str, float]:
    """Run `folds` folds for each worker."""
    began = time.perf_counter()
    placement, machine = Placement(on="ray", jobs=workers), Machine(device="cpu", threads=1)
    with RayEngine(placement, machine, workers * folds) as engine:
        started = time.perf_counter()
        futures = [engine.submit(sleep, seconds) for _ in range(workers * folds)]
        for future in futures:
            future.result()
        took = time.perf_counter() - started
        assert len(engine.events()) == 10 * len(futures)
    return {
        "workers": workers,
        "folds": workers * folds,
        "start of Ray, s": started - began,
        "seconds": took,
        "efficiency": folds * seconds / took,
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each fold")
    parser.add_argument("--folds", type=int, default=2, help="for each worker")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = [measure(workers, given.folds, given.seconds) for workers in given.workers]
    show("Folds that sleep, on Ray", rows, [f"{given.seconds:g} s each"], given.json)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
