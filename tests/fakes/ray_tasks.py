"""Tasks for tests of engines on a cluster: they sleep, wait and count, and train nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from comp.signals import stop_if_requested

Report = Callable[[Any], None]


def meet(number: int, count: int, folder: str, report: Report) -> dict[str, str]:
    """Report an event, wait until `count` tasks do that, and return the environment."""
    report(number)
    (Path(folder) / str(number)).touch()
    while len(list(Path(folder).iterdir())) < count:
        time.sleep(0.05)
    return dict(os.environ)


def sleep(seconds: float, report: Report) -> float:
    """Sleep."""
    time.sleep(seconds)
    return seconds


def fail(error: BaseException, report: Report) -> None:
    """Raise an error."""
    raise error


def count(data: Path, run: Path, fold: int, until: int, release: Path, report: Report) -> list[str]:
    """Count in the run's folder, as a fold that saves checkpoints; at half, wait for `release`.

    Returns the numbers of the processes that counted, which are in the checkpoint.
    """
    state, words = run / f"fold-{fold}" / "resume.pt", (data / "a" / "words.txt").read_text()
    state.parent.mkdir(exist_ok=True)
    lines = state.read_text().splitlines() if state.exists() else []
    while len(lines) < until:
        lines.append(f"{os.getpid()} {words}")
        state.write_text("\n".join(lines))
        report((len(lines), os.getpid(), os.environ.get("COMP_TASK_RETRY")))
        while len(lines) == until // 2 and not release.exists():
            time.sleep(0.05)
            stop_if_requested()
    (state.parent / "meta.json").write_text("{}")
    state.unlink()
    return lines


def wait_for_stop(report: Report) -> None:
    """Wait for a signal."""
    report(os.getpid())
    while True:
        time.sleep(0.05)
        stop_if_requested()
