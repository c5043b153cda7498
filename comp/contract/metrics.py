"""Metrics over pairs of target and prediction."""

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
    """The metric of a competition.

    `score` takes an iterable of (target, prediction) pairs, one per sample, and returns a float.
    Both are float arrays of equal shape. In a classification the target is one value, the class
    index, and the prediction is (1,), the probability of class 1, or (K,), those of K classes.
    `direction` is "min" if smaller scores are better. `medals` maps the names of leaderboard lines
    to scores.
    """

    name: str
    score: Callable[[Pairs], float]
    direction: Literal["min", "max"]
    medals: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def better(self, new: float, old: float | None) -> bool:
        """Whether `new` beats `old`. Any number beats None; NaN never beats a score."""
        if new != new:
            return False
        if old is None:
            return True
        return new < old if self.direction == "min" else new > old

    def nearest_medals(self, score: float) -> str:
        """The hardest medal line that `score` beats and the next one, "" without medals."""
        lines = sorted(self.medals.items(), key=lambda line: line[1])
        beaten = [line for line in lines if self.better(score, line[1])]
        missed = [line for line in lines if not self.better(score, line[1])]
        best = self._extreme(beaten, hardest=True)
        goal = self._extreme(missed, hardest=False)
        words = [f"beats {best[0]} ({best[1]:.5f})"] if best else []
        words += [f"next is {goal[0]} ({goal[1]:.5f})"] if goal else []
        return ", ".join(words)

    def _extreme(
        self, lines: list[tuple[str, float]], *, hardest: bool
    ) -> tuple[str, float] | None:
        """The hardest or the easiest of some lines, which are sorted by rising score."""
        if not lines:
            return None
        return lines[0] if (self.direction == "min") == hardest else lines[-1]


def rmse(pairs: Pairs) -> float:
    """Root mean squared error over all values of all pairs, in the unit of the targets."""
    import numpy as np

    total, count = 0.0, 0
    for target, prediction in pairs:
        error = np.asarray(prediction, dtype=np.float64) - np.asarray(target, dtype=np.float64)
        total += float(np.square(error).sum())
        count += error.size
    return float((total / count) ** 0.5) if count else float("nan")


def auc(pairs: Pairs) -> float:
    """Area under the ROC curve, 0..1, by scikit-learn. For K > 2 classes, the mean of one class
    against the rest, over the classes that occur.

    NaN if all targets are one class, or a prediction is not finite.
    """
    from sklearn.metrics import roc_auc_score

    targets, probabilities = _stacked(pairs)
    labels = [1] if probabilities.shape[1] == 1 else range(probabilities.shape[1])
    scores = [
        float(roc_auc_score(targets == label, column))
        for label, column in zip(labels, probabilities.T, strict=True)
        if 0 < (targets == label).sum() < len(targets)
    ]
    return sum(scores) / len(scores) if scores else float("nan")


def accuracy(pairs: Pairs) -> float:
    """Share of correct decisions, 0..1. The decision of two classes is class 1 if its probability
    is at least 0.5; of more classes, the most probable one.

    NaN if there are no pairs, or a prediction is not finite.
    """
    targets, probabilities = _stacked(pairs)
    binary = probabilities.shape[1] == 1
    decisions = probabilities[:, 0] >= 0.5 if binary else probabilities.argmax(1)
    return float((decisions == targets).mean()) if len(targets) else float("nan")


def log_loss(pairs: Pairs) -> float:
    """Mean negative logarithm of the true class's probability, in nats, by scikit-learn.

    Probabilities of K > 2 classes are divided by their sum. NaN if there are no pairs, or a
    prediction is not finite.
    """
    import numpy as np
    from sklearn import metrics

    targets, probabilities = _stacked(pairs)
    if not len(targets):
        return float("nan")
    if probabilities.shape[1] == 1:
        probabilities = np.hstack([1 - probabilities, probabilities])
    probabilities = probabilities / probabilities.sum(1, keepdims=True)
    labels = list(range(probabilities.shape[1]))
    return float(metrics.log_loss(targets, probabilities, labels=labels))


def _stacked(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Return class indices, int (N,), and probabilities, float64 (N, K); both empty if a prediction
    is not finite, so that the score is NaN."""
    import numpy as np

    listed = list(pairs)
    targets = np.array([np.asarray(target).item() for target, _ in listed], dtype=np.int64)
    probabilities = np.array([np.asarray(p).ravel() for _, p in listed], dtype=np.float64)
    if not listed or not np.isfinite(probabilities).all():
        return np.zeros(0, dtype=np.int64), np.zeros((0, 1))
    return targets, probabilities


AUC = Metric(name="AUC", score=auc, direction="max")
ACCURACY = Metric(name="accuracy", score=accuracy, direction="max")
LOG_LOSS = Metric(name="log loss", score=log_loss, direction="min")
