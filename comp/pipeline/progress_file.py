"""Writes progress.json while a run trains, so that `comp watch` can follow it from another
terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from comp.contract.metric import Metric
from comp.report.run_progress import ProgressCollector
from comp.runs.folder import RunFolder
from comp.runs.live import FILE, write_progress
from comp.runs.progress import Reporter, RunStart, Step
from comp.runs.results import FoldResult

EVERY_S = 2.0
"""Seconds between two writes. The start of a run and the end of a fold are written at once."""


@contextmanager
def progress_written(folder: RunFolder, metric: Metric, reporter: Reporter) -> Iterator[Reporter]:
    """Yield a reporter that writes what it gets to progress.json, and gives it to `reporter`.

    A run that ends well removes the file: its results say more. After a failure the file is left,
    with the last messages.
    """
    _remove(folder.path / FILE)  # that of the process before, in a run that resumes
    yield cast(Reporter, ProgressWriter(folder.path, metric, reporter))
    _remove(folder.path / FILE)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


class ProgressWriter:
    """A reporter that writes progress.json. If it cannot be written, the run goes on."""

    def __init__(self, folder: Path, metric: Metric, reporter: Reporter) -> None:
        self._folder, self._reporter = folder, reporter
        self._collector = ProgressCollector(metric)
        self._written_at = 0.0

    def run_started(self, run_start: RunStart) -> None:
        """The run starts."""
        self._reporter.run_started(run_start)
        self._collector.run_started(run_start)
        self._write()

    def note(self, text: str) -> None:
        """A message to the user."""
        self._reporter.note(text)
        self._collector.note(text)
        self._write_sometimes()

    def step(self, step: Step) -> None:
        """A fold made progress."""
        self._reporter.step(step)
        self._collector.step(step)
        self._write_sometimes()

    def validated(self, fold: int, step: int, score: float) -> None:
        """A fold has scored its network."""
        self._reporter.validated(fold, step, score)
        self._collector.validated(fold, step, score)
        self._write_sometimes()

    def predicted(self, fold: int, done: int, total: int) -> None:
        """A fold has predicted some samples."""
        self._reporter.predicted(fold, done, total)
        self._collector.predicted(fold, done, total)
        self._write_sometimes()

    def fold_done(self, result: FoldResult, submission: Path) -> None:
        """A fold is finished."""
        self._reporter.fold_done(result, submission)
        self._collector.fold_done(result)
        self._write()

    def __getattr__(self, name: str) -> Any:
        """The other methods are those of the reporter."""
        return getattr(self._reporter, name)

    def _write_sometimes(self) -> None:
        if time.monotonic() - self._written_at >= EVERY_S:
            self._write()

    def _write(self) -> None:
        self._written_at = time.monotonic()
        with suppress(OSError):
            write_progress(self._folder, self._collector.progress())
