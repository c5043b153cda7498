"""Measures of a classification over weighted samples, and the bootstrap that draws the weights.

Truths and decisions are class indices, int (N,); weights are float (N,), at least 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

BINS = 15
"""Bins of the calibration error, of equal width."""


def weighted_auc(positive: np.ndarray, ranks: np.ndarray, weights: np.ndarray) -> float:
    """Area under the ROC curve of weighted samples: the chance that a positive one ranks above a
    negative one, ties counting half (Mann and Whitney, 1947). NaN where a side weighs nothing.

    Args:
        positive: bool (N,).
        ranks: int (N,) from 0, rising with the score, equal where scores are.
        weights: float (N,), at least 0.
    """
    above = np.bincount(ranks, weights * positive)
    below = np.bincount(ranks, weights * ~positive)
    total = above.sum() * below.sum()
    return float(above @ (np.cumsum(below) - below / 2) / total) if total else float("nan")


def calibration_error(hits: np.ndarray, confidences: np.ndarray, weights: np.ndarray) -> float:
    """Expected calibration error, 0..1: the gap between the share of hits and the mean confidence
    in each of 15 bins of equal width, weighed by the bins (Guo et al., On Calibration of Modern
    Neural Networks, 2017, equation 3).

    Args:
        hits: bool or 0/1 (N,), what happened.
        confidences: float (N,) in 0..1, how probable it was said to be.
        weights: float (N,), at least 0.
    """
    bins = np.clip(np.ceil(confidences * BINS) - 1, 0, BINS - 1).astype(np.int64)
    gaps = np.bincount(bins, weights * (hits - confidences))
    return float(np.abs(gaps).sum() / weights.sum())


def group_draws(groups: Sequence[str], draws: int, seed: int) -> Iterator[np.ndarray]:
    """Yield weights (N,): how often the sample's group came up in as many draws as groups."""
    names, place = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        drawn = rng.integers(len(names), size=len(names))
        yield np.bincount(drawn, minlength=len(names))[place].astype(np.float64)


def confusion(
    truth: np.ndarray, decision: np.ndarray, weights: np.ndarray, count: int
) -> np.ndarray:
    """Return the weight by true class (rows) and decision (columns), float64 (count, count)."""
    cells = np.bincount(count * truth + decision, weights, minlength=count**2)
    return cells.reshape(count, count)


def recall(matrix: np.ndarray) -> np.ndarray:
    """Share of each class that is decided right, (K,), NaN of a class that is not there."""
    return _ratio(np.diag(matrix), matrix.sum(1))


def f1(matrix: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of each class, (K,), NaN of one neither there nor decided for."""
    return _ratio(2 * np.diag(matrix), matrix.sum(0) + matrix.sum(1))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    ratio = np.full(len(part), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def finite_mean(values: np.ndarray) -> float:
    """The mean of those that are not NaN, NaN where all are."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
