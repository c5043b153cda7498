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

    `score` takes an iterable of (target, prediction) pairs, one a sample, and returns a float. Both
    are float arrays of equal shape; in a classification the target is the class index, of one
    value, and the prediction is (1,), the probability of class 1, or (K,), those of K classes.
    `medals` maps the names of leaderboard lines to scores.
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


def auc(pairs: Pairs) -> float:
    """Area under the ROC curve, 0..1, by scikit-learn; of K > 2 classes the mean of each against
    the rest, over the classes that are there.

    NaN where all targets are one class, or a prediction is not finite.
    """
    from sklearn.metrics import roc_auc_score

    targets, chances = _classified(pairs)
    labels = [1] if chances.shape[1] == 1 else range(chances.shape[1])
    found = [
        float(roc_auc_score(targets == label, column))
        for label, column in zip(labels, chances.T, strict=True)
        if 0 < (targets == label).sum() < len(targets)
    ]
    return sum(found) / len(found) if found else float("nan")


def accuracy(pairs: Pairs) -> float:
    """Share of right decisions, 0..1: of two classes class 1 from a probability of 0.5 on, of more
    the most probable one.

    NaN where there are no pairs, or a prediction is not finite.
    """
    targets, chances = _classified(pairs)
    decided = chances[:, 0] >= 0.5 if chances.shape[1] == 1 else chances.argmax(1)
    return float((decided == targets).mean()) if len(targets) else float("nan")


def log_loss(pairs: Pairs) -> float:
    """Mean negative logarithm of the true class's probability, in nats, by scikit-learn.

    Probabilities of K > 2 classes are divided by their sum. NaN where there are no pairs, or a
    prediction is not finite.
    """
    import numpy as np
    from sklearn import metrics

    targets, chances = _classified(pairs)
    if not len(targets):
        return float("nan")
    if chances.shape[1] == 1:
        chances = np.hstack([1 - chances, chances])
    chances = chances / chances.sum(1, keepdims=True)
    return float(metrics.log_loss(targets, chances, labels=list(range(chances.shape[1]))))


def _classified(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Return class indices, int (N,), and probabilities, float64 (N, K); no rows at all where a
    prediction is not finite, for there is nothing to score then."""
    import numpy as np

    both = list(pairs)
    targets = np.array([np.asarray(target).item() for target, _ in both], dtype=np.int64)
    chances = np.array([np.asarray(chance).ravel() for _, chance in both], dtype=np.float64)
    if not both or not np.isfinite(chances).all():
        return np.zeros(0, dtype=np.int64), np.zeros((0, 1))
    return targets, chances


AUC = Metric(name="AUC", score=auc, direction="max")
ACCURACY = Metric(name="accuracy", score=accuracy, direction="max")
LOG_LOSS = Metric(name="log loss", score=log_loss, direction="min")
