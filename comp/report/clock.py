"""Durations as text, and an estimate of the time left."""

from __future__ import annotations

import math
import time

from comp.runs.progress import Step


def duration(seconds: float) -> str:
    """Seconds as text: `42 s`, `3 min 05 s`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Clock:
    """Estimates the time left for a fold and for a run of `folds` folds, of which `jobs` train at
    the same time."""

    def __init__(self, folds: int, jobs: int = 1) -> None:
        self._folds, self._jobs = folds, jobs
        self._done: list[float] = []
        self._fold_started = time.perf_counter()
        self._first: dict[tuple[int, str], tuple[float, int]] = {}
        self._last: dict[tuple[int, str], int] = {}

    def fold_done(self, seconds: float) -> None:
        """Count a finished fold.

        Args:
            seconds: time of the fold, including the time before the run was stopped and resumed.
        """
        now = time.perf_counter()
        if self._jobs == 1:
            seconds = max(seconds, now - self._fold_started)
            self._fold_started, self._first, self._last = now, {}, {}
        self._done.append(seconds)

    def left(self, step: Step) -> tuple[float, float] | None:
        """Estimate (seconds left for the fold, seconds left for the run).

        The estimate uses the pace since the first call for the fold; that call returns None. Fewer
        steps than before are those of another training, as in a race.
        """
        now, key = time.perf_counter(), (step.fold, step.part) if self._jobs > 1 else (0, "")
        if key not in self._first or step.step < self._last.get(key, 0):  # another training
            self._first[key], self._last[key] = (now, step.step), step.step
            return None
        self._last[key] = step.step
        started, first = self._first[key]
        pace = (now - started) / max(1, step.step - first)
        fold_left = pace * (step.steps - step.step)
        usual = (
            sum(self._done) / len(self._done)
            if self._done
            else now - self._fold_started + fold_left
        )
        others = max(0, self._folds - len(self._done) - self._jobs)
        return fold_left, fold_left + math.ceil(others / self._jobs) * usual
