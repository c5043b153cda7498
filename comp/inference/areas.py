"""Areas under the ROC curves of columns of scores, for many draws of a bootstrap at once.

The samples of a column are sorted once. Where the positive ones are few, as those of one class of
many are, the weights between two neighbouring positive ones are added for all draws together, as
the product of a sparse matrix and the weights.
"""

from __future__ import annotations

import numpy as np

from comp.inference.measures import weighted_auc

_FEW = 8
"""Positive scores are few if they are at most one in this number of the samples."""


def areas_of(positive: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The areas of K columns for D draws, float64 (D, K), as `weighted_auc` computes each; NaN if
    the weights of one side are all 0.

    Args:
        positive: bool (N, K).
        scores: float (N, K).
        weights: float (N, D), how often each sample is drawn.
    """
    columns = zip(positive.T, scores.T, strict=True)
    return np.stack([column_areas(*column, weights) for column in columns], axis=1)


def column_areas(positive: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The areas of one column for D draws, float64 (D,).

    Args:
        positive: bool (N,).
        scores: float (N,).
        weights: float (N, D), how often each sample is drawn.
    """
    if positive.all() or not positive.any():
        return np.full(weights.shape[1], np.nan)
    values, place = np.unique(scores[positive], return_inverse=True)
    if len(values) * _FEW > len(scores):
        ranks = np.unique(scores, return_inverse=True)[1]
        return np.array([weighted_auc(positive, ranks, w.astype(np.float64)) for w in weights.T])
    order = np.argsort(scores, kind="stable")
    ends = [np.searchsorted(scores, values, side, sorter=order) for side in ("left", "right")]
    cuts = np.concatenate([[0], np.stack(ends, axis=1).ravel(), [len(scores)]])
    parts = _sums(order, cuts, weights)  # below the first value, tied with it, between, tied, ...
    above = _sums(np.flatnonzero(positive)[np.argsort(place, kind="stable")], _ends(place), weights)
    below = parts.cumsum(axis=0)[:-1:2] - (above.cumsum(axis=0) - above)
    pairs = (above * (below + (parts[1::2] - above) / 2)).sum(axis=0)
    inside = above.sum(axis=0)
    total = inside * (parts.sum(axis=0) - inside)
    areas: np.ndarray = np.divide(pairs, total, out=np.full(len(total), np.nan), where=total > 0)
    return areas


def _ends(place: np.ndarray) -> np.ndarray:
    """Where each of the places 0, 1, ... begins if they are sorted, and the end of the last."""
    return np.concatenate([[0], np.bincount(place).cumsum()])


def _sums(rows: np.ndarray, cuts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The sum of the weights of some rows between each two cuts, float64 (cuts - 1, D)."""
    from scipy.sparse import csr_array

    ones = np.ones(len(rows), dtype=weights.dtype)
    matrix = csr_array((ones, rows, cuts), shape=(len(cuts) - 1, len(weights)))
    sums: np.ndarray = (matrix @ weights).astype(np.float64)
    return sums
