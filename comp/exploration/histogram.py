"""Histograms of several series over the same edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

BINS = 30
LEAST_BINS = 8
MOST_SERIES = 6
"""Series of a histogram beside that of the test data; of more classes only all together."""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Shares between edges, by series; each series sums to 1, the outliers in the first and the
    last bin."""

    edges: Sequence[float]
    shares: Mapping[str, Sequence[float]]


def histogram(values: Mapping[str, np.ndarray]) -> Histogram | None:
    """The histogram of named series of numbers; gaps and infinite numbers do not count.

    The edges go from the 0.5th to the 99.5th percentile of all numbers; few numbers have few bins.
    Whole numbers of a small range have a bin each. None: there are no numbers.
    """
    known = {name: column[np.isfinite(column)] for name, column in values.items()}
    known = {name: column for name, column in known.items() if len(column)}
    if not known:
        return None
    fewest = min(map(len, known.values()))
    bins = int(np.clip(np.sqrt(fewest), LEAST_BINS, BINS))
    edges = _edges(np.concatenate(list(known.values())), bins)
    shares = {}
    for name, column in known.items():
        counts, _ = np.histogram(np.clip(column, edges[0], edges[-1]), edges)
        shares[name] = [round(share, 5) for share in (counts / len(column)).tolist()]
    return Histogram(edges=[float(f"{edge:.6g}") for edge in edges.tolist()], shares=shares)


def _edges(numbers: np.ndarray, bins: int) -> np.ndarray:
    low, high = np.percentile(numbers, [0.5, 99.5])
    if low == high:
        low, high = numbers.min(), numbers.max()
    whole = bool((numbers == np.round(numbers)).all())
    if whole and high - low < bins:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1)
    if low == high:
        spread = max(abs(low) * 0.01, 0.5)
        low, high = low - spread, high + spread
    return np.linspace(low, high, bins + 1)


def series_of(
    values: np.ndarray, classes: Sequence[tuple[str, ...]], test: np.ndarray
) -> dict[str, np.ndarray]:
    """The numbers of the training samples, one series for each class if there are few, and those of
    the test samples."""
    names = sorted({" ".join(own) for own in classes if own})
    if not 2 <= len(names) <= MOST_SERIES or "test" in names:
        return {"train": values[~test], "test": values[test]}
    of = np.array([" ".join(own) for own in classes], dtype=object)
    by_class = {name: values[(of == name) & ~test] for name in names}
    return by_class | {"test": values[test]}


def explained(values: np.ndarray, names: Sequence[str]) -> float | None:
    """The share of the variance of numbers that their classes explain (eta squared), 0 to 1; None
    if there is nothing to explain. Gaps do not count."""
    known = np.isfinite(values)
    numbers, index = (
        values[known],
        np.unique(np.asarray(names, dtype=object)[known].astype(str), return_inverse=True)[1],
    )
    if len(numbers) < 3 or len(np.unique(index)) < 2 or numbers.min() == numbers.max():
        return None
    total = float(((numbers - numbers.mean()) ** 2).sum())
    if total <= 0:
        return None
    counts = np.bincount(index)
    means = np.bincount(index, numbers) / counts
    between = float((counts * (means - numbers.mean()) ** 2).sum())
    return round(min(1.0, between / total), 4)
