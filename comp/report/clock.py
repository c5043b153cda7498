"""Time left and durations, in words."""

from __future__ import annotations

import time

from comp.records import FoldResult, Step


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

    def fold_done(self, _result: FoldResult) -> None:
        """Count a finished fold, scoring and writing included."""
        now = time.perf_counter()
        self._done.append(now - self._began)
        self._began = now

    def left(self, step: Step) -> tuple[float, float]:
        """Return the estimated (seconds left for the fold, seconds left for the run)."""
        elapsed = time.perf_counter() - self._began
        whole = elapsed * step.steps / step.step
        usual = sum(self._done) / len(self._done) if self._done else whole
        others = max(0, self._folds - len(self._done) - 1)
        return whole - elapsed, whole - elapsed + others * usual
