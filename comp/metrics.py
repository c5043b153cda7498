"""Metrics over predictions that are aligned with their targets by id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

    Pairs = Iterable[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How a competition keeps score.

    `score` takes an iterable of (target, prediction) pairs, one a sample, float arrays of equal
    shape, and returns a float. `medals` maps the names of leaderboard lines to scores.
    """

    name: str
    score: Callable[[Pairs], float]
    direction: Literal["min", "max"]
    medals: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def better(self, new: float, old: float | None) -> bool:
        """Whether `new` beats `old`; any number beats None, NaN beats nothing."""
        if new != new:
            return False
        if old is None:
            return True
        return new < old if self.direction == "min" else new > old

    def standing(self, score: float) -> str:
        """Say which medal lines stand next to `score`, or "" when there are none."""
        lines = sorted(self.medals.items(), key=lambda line: line[1])
        beaten = [line for line in lines if self.better(score, line[1])]
        missed = [line for line in lines if not self.better(score, line[1])]
        best = self._best(beaten, hardest=True)
        goal = self._best(missed, hardest=False)
        words = [f"beats {best[0]} ({best[1]:.5f})"] if best else []
        words += [f"next is {goal[0]} ({goal[1]:.5f})"] if goal else []
        return ", ".join(words)

    def _best(self, lines: list[tuple[str, float]], *, hardest: bool) -> tuple[str, float] | None:
        """The hardest or the easiest of some lines, sorted by rising score."""
        if not lines:
            return None
        return lines[0] if (self.direction == "min") == hardest else lines[-1]


def rmse(pairs: Pairs) -> float:
    """Root of the mean squared error over all values of all pairs, in the targets' unit."""
    import numpy as np

    total, count = 0.0, 0
    for target, prediction in pairs:
        error = np.asarray(prediction, dtype=np.float64) - np.asarray(target, dtype=np.float64)
        total += float(np.square(error).sum())
        count += error.size
    return float((total / count) ** 0.5) if count else float("nan")
