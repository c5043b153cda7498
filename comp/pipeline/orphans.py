"""Processes that still train the folds of a run whose own process is gone."""

from __future__ import annotations

import time

from comp.engines.worker import ORPHAN_GRACE_S
from comp.errors import RunError
from comp.pipeline.fold_task import locked_folds
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter

NOTE_AFTER_S = 2.0
"""Seconds after which the user is told of the wait."""
POLL_S = 0.2


def wait_for_orphans(folder: RunFolder, reporter: Reporter) -> None:
    """Wait until no process trains a fold of the run; the caller holds the run's lock.

    After a crash of the run's process, those of its folds save their state and end by themselves.

    Raises:
        RunError: one still trains after some time.
    """
    started, told = time.monotonic(), False
    while folds := locked_folds(folder):
        waited_s = time.monotonic() - started
        if waited_s > ORPHAN_GRACE_S + 5:
            raise RunError(
                f"a process still trains {', '.join(folds)} of run {folder.run_id}: wait for it, "
                "or end it"
            )
        if waited_s > NOTE_AFTER_S and not told:
            told = True
            reporter.note(f"waiting for {', '.join(folds)}, which another process still saves")
        time.sleep(POLL_S)
