"""Do budgets hold? Runs of `comp run`, alone and beside a program that uses the cores.

`python benchmarks/budgets.py` prints the seconds of the whole command over each budget. The burner
starts in the middle of the budget, on `--burners` cores. `--start` measures the time to the first
step instead.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from results import show

from comp.config.durations import parse_duration


def burn() -> None:
    """Use a core for ever."""
    while True:
        pass


@contextmanager
def burners(count: int, after_s: float) -> Iterator[None]:
    """Start processes that use a core each, after some seconds."""
    processes = [multiprocessing.Process(target=burn, daemon=True) for _ in range(count)]

    def start() -> None:
        for process in processes:
            process.start()

    timer = threading.Timer(after_s, start)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        for process in processes:
            if process.pid:
                process.kill()


def command(arguments: argparse.Namespace, folder: Path, *more: str) -> list[str]:
    """`comp run`, with a folder of its own for its runs."""
    data = ["--data", str(arguments.data)] if arguments.data else ["--sample"]
    start = [sys.executable, "-m", "comp", "run", arguments.competition, *data]
    return [*start, "--out", str(folder), "--fold", "0", *more]


def budget_row(arguments: argparse.Namespace, budget: str, count: int) -> dict[str, Any]:
    """Run with a budget, beside `count` burners from its middle on."""
    seconds = float(str(parse_duration(budget)))
    with tempfile.TemporaryDirectory() as folder, burners(count, seconds / 2):
        started = time.perf_counter()
        done = subprocess.run(
            command(arguments, Path(folder), "--budget", budget), capture_output=True, text=True
        )
        took = time.perf_counter() - started
        records = sorted(Path(folder).glob(f"runs/{arguments.competition}/*/run.json"))
        record = json.loads(records[-1].read_text()) if records else {}
    parts = record.get("seconds_of_parts", {})
    late = {
        name: round(value - parts["planned"][name], 1)
        for name, value in parts.get("taken", {}).items()
        if name in parts.get("planned", {})
    }
    again = record.get("replanned", {}).get("fold-0", {})
    return {
        "budget": budget,
        "burners": count,
        "seconds": took,
        "over budget": took / seconds,
        "planned steps": (record.get("plan") or {}).get("0"),
        "steps": again["points"][-1][1] if again else (record.get("plan") or {}).get("0"),
        "points": len(again.get("points", ())),
        "taken - planned": str(late) if late else done.stderr.strip()[-120:],
    }


def start_row(arguments: argparse.Namespace, competition: str) -> dict[str, Any]:
    """The seconds until the first step is reported, and of the whole command, with its CPU time."""
    arguments = argparse.Namespace(**{**vars(arguments), "competition": competition})
    firsts, wholes, cpus = [], [], []
    for _ in range(arguments.rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with tempfile.TemporaryDirectory() as folder:
            started, first = time.perf_counter(), 0.0
            program = command(arguments, Path(folder), "--max-steps", "1")
            with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout
                for line in process.stdout:
                    if not first and "step 1/1" in line:
                        first = time.perf_counter() - started
            wholes.append(time.perf_counter() - started)
            firsts.append(first)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {
        "competition": competition,
        "s to the first step": statistics.median(firsts),
        "s in all": statistics.median(wholes),
        "CPU s": statistics.median(cpus),
        "spread": f"{min(firsts):.1f} to {max(firsts):.1f}",
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--competition", default="digits")
    parser.add_argument("--data", type=Path, help="a folder or zip; else a drawn sample")
    parser.add_argument("--budgets", nargs="+", default=["1m"])
    parser.add_argument("--burners", nargs="+", type=int, default=[0, 2])
    parser.add_argument("--start", nargs="*", metavar="COMPETITION", help="time to the first step")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.start is not None:
        names = arguments.start or [arguments.competition]
        rows = [start_row(arguments, name) for name in names]
        show("Time to the first step", rows, ["median of the rounds"], arguments.json)
        return
    rows = [
        budget_row(arguments, budget, count)
        for budget in arguments.budgets
        for count in arguments.burners
    ]
    show("Budgets", rows, ["burners start in the middle of the budget"], arguments.json)


if __name__ == "__main__":
    main()
