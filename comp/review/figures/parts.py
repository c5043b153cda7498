"""Samples in parts by a number, such as the size of their target."""

from __future__ import annotations

import numpy as np


def parts_of(values: np.ndarray, count: int) -> list[np.ndarray]:
    """The rows of at most `count` parts of equal size, by rising value; equal values stay together,
    so that a part may be larger or missing."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, count + 1)[1:-1], method="lower"))
    part = np.searchsorted(edges, values, side="left")
    return [np.flatnonzero(part == k) for k in range(len(edges) + 1) if (part == k).any()]
