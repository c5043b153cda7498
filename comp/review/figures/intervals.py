"""Means of parts of the samples, with intervals over groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comp.inference.measures import group_draws
from comp.page.charts import Bar
from comp.page.words import Text, say

DRAWS = 200
"""Draws of the bootstrap."""


def part_means(
    parts: Sequence[np.ndarray], values: np.ndarray, groups: Sequence[str], draws: int = DRAWS
) -> list[tuple[float, float | None, float | None]]:
    """The mean of each part with its 95 % interval, by a bootstrap that draws whole groups; the
    ends are None for a part that no draw contains.

    Args:
        parts: rows of each part.
        values: float (N,).
        groups: N names.
    """
    from scipy.sparse import csr_array

    rows = np.concatenate([np.empty(0, dtype=np.int64), *parts]).astype(np.int64)
    ends = np.cumsum([0, *map(len, parts)])
    shape = len(parts), len(values)
    inside = csr_array((np.ones(len(rows)), rows, ends), shape=shape)
    drawn = []
    for weights in group_draws(groups, draws, seed=0):
        with np.errstate(invalid="ignore"):
            drawn.append((inside @ (weights * values)) / (inside @ weights))
    found: list[tuple[float, float | None, float | None]] = []
    for index, part in enumerate(parts):
        mean, column = float(values[part].mean()), np.array(drawn)[:, index]
        finite = column[np.isfinite(column)]
        if not len(finite):
            found.append((mean, None, None))
            continue
        low, high = np.percentile(finite, [2.5, 97.5]).tolist()
        found.append((mean, min(low, mean), max(high, mean)))
    return found


def part_bars(
    parts: Sequence[tuple[Text, np.ndarray]], values: np.ndarray, groups: Sequence[str]
) -> list[Bar]:
    """A bar for each part with its name, its mean, its interval, and its number of samples."""
    means = part_means([rows for _, rows in parts], values, groups)
    return [
        Bar(
            label=name,
            value=mean,
            low=low,
            high=high,
            note=say("n={n:,}", n=len(rows)),
        )
        for (name, rows), (mean, low, high) in zip(parts, means, strict=True)
    ]
