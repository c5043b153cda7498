"""How alike two maps of one image are: the rank correlation of their cells."""

from __future__ import annotations

import numpy as np

CELLS = 8
"""Maps are compared on a grid with this many cells on a side, the means of their pixels."""
AGREE, PARTLY = 0.5, 0.2
"""From these rank correlations on, maps agree, or agree in part."""
AGREEMENTS = ("agree", "partly agree", "disagree", "unclear")
"""The words for a rank correlation."""


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Spearman's rank correlation of two signed maps (H, W) of one size; None if one of them is the
    same everywhere, or not finite."""
    from scipy.stats import rankdata

    ranks = [rankdata(_cells(each)) for each in (one, other)]
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return None
    if any(np.ptp(each) == 0 for each in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def agreement_words(correlation: float | None) -> str:
    """A rank correlation in one or two words."""
    if correlation is None:
        return "unclear"
    if correlation >= AGREE:
        return "agree"
    return "partly agree" if correlation >= PARTLY else "disagree"


def _cells(signed: np.ndarray) -> np.ndarray:
    """The means of the cells of a grid, flat."""
    import cv2

    height, width = signed.shape
    size = min(CELLS, width), min(CELLS, height)
    cells = cv2.resize(signed.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cells).ravel()
