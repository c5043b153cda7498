"""Points of scatter charts."""

from __future__ import annotations

import numpy as np

from comp.inference.decisions import drawn_rows

POINTS = 1200
"""Samples of a scatter chart; of more, as many are drawn."""
WIDE = 50.0
"""Numbers are shown on a logarithmic axis if most of them span this factor."""


def scatter_rows(count: int, most: int = POINTS) -> np.ndarray:
    """The indices of the samples that are drawn, always the same."""
    return drawn_rows(count, most, seed=0)


def jittered(values: np.ndarray, width: float = 0.3) -> np.ndarray:
    """Whole numbers, moved a little, so that equal ones do not hide each other."""
    moved: np.ndarray = values + np.random.default_rng(0).uniform(-width, width, len(values))
    return moved.round(3)


def spans_decades(values: np.ndarray) -> bool:
    """Whether numbers are positive and so different that a logarithmic axis shows them better."""
    if not len(values) or values.min() <= 0:
        return False
    low, high = np.quantile(values, [0.02, 0.98])
    return bool(high > WIDE * low)


def decimals_of(largest: float) -> int:
    """Decimals that show about five digits of numbers up to `largest`."""
    if not np.isfinite(largest) or largest <= 0:
        return 4
    return int(np.clip(4 - np.floor(np.log10(largest)), 0, 8))
