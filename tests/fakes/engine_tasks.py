"""Tasks for an engine, which need no large library."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from comp.engines.engine import Report
from comp.errors import RunError
from comp.signals import defer_signals, stop_if_requested


class StubbornError(Exception):
    """An exception that cannot be unpickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def tell(value: int, report: Report) -> dict[str, Any]:
    """Report twice; returns where the task runs."""
    report((value, "begins"))
    report((value, "ends"))
    names = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "COMP_CORES")
    return {
        "value": value,
        "process": os.getpid(),
        "folder": str(Path.cwd()),
        "path": list(sys.path),
        "torch": "torch" in sys.modules,
        **{name: os.environ.get(name) for name in names},
    }


def fail(kind: str, report: Report) -> None:
    """Fail in some way."""
    if kind == "user":
        raise RunError("one line")
    if kind == "bug":
        {}["missing"]
    if kind == "stubborn":
        raise StubbornError("a", "b")
    os.kill(os.getpid(), 9)


def train(folder: Path, report: Report) -> None:
    """Work in steps until a signal comes, and save the number of steps then."""
    with defer_signals():
        for step in range(10_000):
            report(step)
            time.sleep(0.02)
            try:
                stop_if_requested()
            except BaseException:
                (folder / "saved").write_text(str(step))
                raise


def hang(_folder: Path, report: Report) -> None:
    """Hear no signal for some minutes."""
    with defer_signals():
        report("hangs")
        time.sleep(600)


def lead(folder: Path, report: Report) -> None:
    """An engine in a task, whose process may be killed."""
    from comp.engines.processes import ProcessEngine

    with ProcessEngine([{}]) as engine:
        engine.submit(train, folder)
        while not (events := engine.events()):
            time.sleep(0.05)
        report(events[0])
        time.sleep(600)
