"""Time left and durations, in words."""

from __future__ import annotations

import time

from comp.runs.progress import Step


def duration(seconds: float) -> str:
    """Seconds in words: `42 s`, `3 min 05 s`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Clock:
    """Estimates the time left for a fold and for a run of `folds` folds."""

    def __init__(self, folds: int) -> None:
        self._folds = folds
        self._done: list[float] = []
        self._began = time.perf_counter()
        self._first: tuple[float, int] | None = None

    def fold_done(self, seconds: float) -> None:
        """Count a finished fold; it took at least these seconds, some of them perhaps before the
        run was stopped and gone on with."""
        now = time.perf_counter()
        self._done.append(max(seconds, now - self._began))
        self._began, self._first = now, None

    def left(self, step: Step) -> tuple[float, float] | None:
        """Return the estimated (seconds left for the fold, seconds left for the run).

        The pace is that since the first report of the fold, at which there is no telling yet: None.
        """
        now = time.perf_counter()
        if self._first is None:
            self._first = now, step.step
            return None
        began, first = self._first
        pace = (now - began) / max(1, step.step - first)
        fold_left = pace * (step.steps - step.step)
        usual = sum(self._done) / len(self._done) if self._done else now - self._began + fold_left
        others = max(0, self._folds - len(self._done) - 1)
        return fold_left, fold_left + others * usual
