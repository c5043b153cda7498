"""Measures of a classification with weighted samples, and the bootstrap that draws the weights.

Targets (`truth`) and decisions are class indices, int (N,); weights are float (N,), at least 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

BINS = 15
"""Number of bins of the calibration error; all have the same width."""


def weighted_auc(positive: np.ndarray, ranks: np.ndarray, weights: np.ndarray) -> float:
    """Area under the ROC curve of weighted samples: the probability that a positive sample ranks
    above a negative one; ties count half (Mann and Whitney, 1947). NaN if the weights of one side
    are all 0.

    Args:
        positive: bool (N,).
        ranks: int (N,) from 0, increasing with the score; equal scores have equal ranks.
        weights: float (N,), at least 0.
    """
    above = np.bincount(ranks, weights * positive)
    below = np.bincount(ranks, weights * ~positive)
    total = above.sum() * below.sum()
    return float(above @ (np.cumsum(below) - below / 2) / total) if total else float("nan")


def calibration_error(hits: np.ndarray, confidences: np.ndarray, weights: np.ndarray) -> float:
    """Expected calibration error, 0..1: the mean over 15 bins of equal width, weighted by their
    size, of the difference between the share of hits and the mean confidence (Guo et al., On
    Calibration of Modern Neural Networks, 2017, equation 3).

    Args:
        hits: bool or 0/1 (N,), whether the event happened.
        confidences: float (N,) in 0..1, the predicted probability of the event.
        weights: float (N,), at least 0.
    """
    bins = np.clip(np.ceil(confidences * BINS) - 1, 0, BINS - 1).astype(np.int64)
    gaps = np.bincount(bins, weights * (hits - confidences))
    return float(np.abs(gaps).sum() / weights.sum())


def group_draws(groups: Sequence[str], draws: int, seed: int) -> Iterator[np.ndarray]:
    """Yield weights (N,): how often the group of each sample is drawn. Each draw takes G of the G
    groups, with replacement."""
    names, group_index = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        drawn = rng.integers(len(names), size=len(names))
        yield np.bincount(drawn, minlength=len(names))[group_index].astype(np.float64)


def confusion(
    truth: np.ndarray, decision: np.ndarray, weights: np.ndarray, count: int
) -> np.ndarray:
    """The sum of weights by true class (rows) and decision (columns), float64 (count, count)."""
    cells = np.bincount(count * truth + decision, weights, minlength=count**2)
    return cells.reshape(count, count)


@dataclass(frozen=True)
class ClassCounts:
    """The weights of each of K classes: of its samples that are decided correctly, of its samples,
    and of the samples that are decided as it; float64 (K,), or (D, K) of several draws."""

    hits: np.ndarray
    truth: np.ndarray
    decided: np.ndarray

    def recall(self) -> np.ndarray:
        """Share of the correct decisions in each class; NaN for a class without samples."""
        return _ratio(self.hits, self.truth)

    def f1(self) -> np.ndarray:
        """2 TP / (2 TP + FP + FN) of each class; NaN for a class without either."""
        return _ratio(2 * self.hits, self.decided + self.truth)


def class_counts(
    truth: np.ndarray, decision: np.ndarray, weights: np.ndarray, count: int
) -> ClassCounts:
    """The margins of `confusion` and its diagonal, without its `count` times `count` cells."""
    right = truth == decision
    return ClassCounts(
        hits=np.bincount(truth[right], weights[right], minlength=count),
        truth=np.bincount(truth, weights, minlength=count),
        decided=np.bincount(decision, weights, minlength=count),
    )


def recall(matrix: np.ndarray) -> np.ndarray:
    """Share of the correct decisions in each class, (K,); NaN for a class without samples."""
    return _ratio(np.diag(matrix), matrix.sum(1))


def f1(matrix: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of each class, (K,); NaN for a class without either."""
    return _ratio(2 * np.diag(matrix), matrix.sum(0) + matrix.sum(1))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    ratio = np.full(part.shape, np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def finite_mean(values: np.ndarray) -> float:
    """The mean of the finite values; NaN if there are none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
