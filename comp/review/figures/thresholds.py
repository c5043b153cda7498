"""Scores against the threshold of a decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from comp.contract.metric import Metric, Pair
from comp.inference.weighted_score import weighted_score

GRID = 101
"""Thresholds that are tried."""
SLOW_GRID = 21
"""Fewer for a metric that reads each sample again."""
SAME = 1e-6
"""Relative difference below which two scores are equal."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Samples at each of T thresholds, int64 (T,): a sample is decided as positive if its score is
    at least the threshold."""

    thresholds: np.ndarray
    true_positives: np.ndarray
    false_positives: np.ndarray
    positives: int
    negatives: int

    @property
    def recall(self) -> np.ndarray:
        """The share of the positive samples that are found."""
        return _ratio(self.true_positives, self.positives)

    @property
    def specificity(self) -> np.ndarray:
        """The share of the negative samples that are decided as negative."""
        return _ratio(self.negatives - self.false_positives, self.negatives)

    @property
    def precision(self) -> np.ndarray:
        """The share of the decided samples that are positive; NaN where none is decided."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def f1(self) -> np.ndarray:
        """The harmonic mean of recall and precision."""
        decided = self.true_positives + self.false_positives
        return _ratio(2 * self.true_positives, decided + self.positives)


def grid(scores: np.ndarray, more: Sequence[float] = (), count: int = GRID) -> np.ndarray:
    """Thresholds from the lowest to the highest score, and those of `more` between them."""
    ends = [float(scores.min()), float(scores.max()), *more]
    return np.unique(np.concatenate([np.linspace(min(ends), max(ends), count), list(more)]))


def counts(positive: np.ndarray, scores: np.ndarray, thresholds: np.ndarray) -> Counts:
    """Count decisions at all thresholds.

    Args:
        positive: bool (N,).
        scores: float (N,).
    """
    reach = [
        len(part) - np.searchsorted(np.sort(part), thresholds, side="left")
        for part in (scores[positive], scores[~positive])
    ]
    return Counts(
        thresholds=thresholds,
        true_positives=reach[0],
        false_positives=reach[1],
        positives=int(positive.sum()),
        negatives=int((~positive).sum()),
    )


def metric_at(
    metric: Metric, positive: np.ndarray, scores: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Thresholds and the metric of the decisions of two classes at each; fewer thresholds if the
    metric is slow. None if the metric sees more of a sample than its class and its decision.

    All samples of one class and decision are equal, so that four pairs with weights are enough.
    """
    cells = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
    four = [
        Pair(np.array([truth]), np.array([decided]), f"{truth:g} {decided:g}")
        for truth, decided in cells
    ]
    try:
        score, cheap = weighted_score(metric, four)
    except ValueError:  # of other decisions than one of two classes
        return None
    few = np.unique(np.linspace(0, len(thresholds) - 1, SLOW_GRID, dtype=int))
    used = thresholds if cheap else thresholds[few]
    found = counts(positive, scores, used)
    table = np.stack(
        [
            found.negatives - found.false_positives,
            found.false_positives,
            found.positives - found.true_positives,
            found.true_positives,
        ],
        axis=1,
    ).astype(np.float64)
    middle = len(used) // 2
    if not _agrees(metric, positive, scores, float(used[middle]), lambda: score(table[middle])):
        return None
    return used, np.array([score(row) for row in table])


def _agrees(
    metric: Metric,
    positive: np.ndarray,
    scores: np.ndarray,
    threshold: float,
    known: Callable[[], float],
) -> bool:
    """Whether the metric of all samples at a threshold is the known one."""
    truth = positive.astype(np.float64)[:, None]
    decided = (scores >= threshold).astype(np.float64)[:, None]
    pairs = [Pair(*row, str(i)) for i, row in enumerate(zip(truth, decided, strict=True))]
    whole = float(metric.score(pairs))
    return bool(abs(whole - known()) <= SAME * max(1.0, abs(whole)))


def _ratio(part: np.ndarray, whole: np.ndarray | int) -> np.ndarray:
    ratio = np.full(len(part), np.nan)
    np.divide(part, whole, out=ratio, where=np.asarray(whole) > 0)
    return ratio
