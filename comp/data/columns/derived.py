"""Numbers that are made of other columns: ratios, places, and days between dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from comp.data.columns.cells import LARGEST

if TYPE_CHECKING:
    import numpy as np

ANGLES = (15, 30, 45, 60, 75)
"""Degrees by which the axes of places are turned."""
CENTRES = 24
"""Clusters of places."""
MOST_DATES = 5
"""Columns of dates up to which the days between each two are added."""


def ratios(numbers: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """first / second of each two columns; NaN if one is a gap or the second is 0."""
    import numpy as np

    found = {}
    for first, second in combinations(names, 2):
        below = np.where(numbers[second] == 0, np.nan, numbers[second])
        with np.errstate(over="ignore"):
            quotient = numbers[first] / below
        found[f"{first} / {second}"] = np.where(np.abs(quotient) <= LARGEST, quotient, np.nan)
    return found


def days_between(dates: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Days from the second to the first of each two dates, if there are few dates.

    Args:
        dates: by column, days since some day.
    """
    if len(dates) > MOST_DATES:
        return {}
    return {
        f"{first} - {second} days": dates[first] - dates[second]
        for first, second in combinations(dates, 2)
    }


def find_centres(numbers: Mapping[str, np.ndarray], names: Sequence[str]) -> list[list[float]]:
    """Centres of clusters of the training rows, at most (CENTRES, 2), in the units of the columns.

    Rows with a gap do not count.
    """
    import numpy as np
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    points = np.stack([numbers[name] for name in names], axis=1)
    points = points[np.isfinite(points).all(axis=1)]
    different = len(np.unique(points, axis=0))
    if not different:
        return []
    clusters = KMeans(min(CENTRES, different), n_init=3, random_state=0)
    with threadpool_limits(1):  # the sums of several threads differ in the last bits
        return [list(map(float, centre)) for centre in clusters.fit(points).cluster_centers_]


def places(
    numbers: Mapping[str, np.ndarray], names: Sequence[str], centres: Sequence[Sequence[float]]
) -> dict[str, np.ndarray]:
    """The first coordinate on turned axes, and the distance to each centre."""
    import numpy as np

    first, second = (numbers[name] for name in names)
    pair = f"{names[0]}, {names[1]}"
    found = {}
    for angle in ANGLES:
        radians = np.deg2rad(angle)
        found[f"{pair} at {angle}"] = np.cos(radians) * first + np.sin(radians) * second
        found[f"{pair} at {angle + 90}"] = np.cos(radians) * second - np.sin(radians) * first
    for i, centre in enumerate(centres):
        found[f"{pair} to centre {i}"] = np.hypot(first - centre[0], second - centre[1])
    return found
