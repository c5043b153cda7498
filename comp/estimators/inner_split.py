"""Rows of the training part of a fold that are held out to choose settings, by group."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LEAST = 10
"""Rows from which a part is held out."""
MOST_GROUPS = 20_000
"""Groups up to which a grouped split is stratified, which takes time."""


def inner_split(
    classes: np.ndarray | None,
    rows: int,
    groups: Sequence[object] | None,
    share: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Indices of the rows to train on and of those held out; None if there are too few rows.

    Groups are not split. The split is a function of the arguments alone.

    Args:
        classes: class index of each row, by which the split is stratified; None for other targets.
        groups: group of each row; None if every row is alone.
        share: of the rows, to hold out.
    """
    import numpy as np
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    index = None
    count = rows
    if groups is not None:
        index = np.unique(np.array([str(group) for group in groups]), return_inverse=True)[1]
        count = int(index.max()) + 1 if rows else 0
        index = None if count == rows else index
    if rows < LEAST or count < 2:
        return None
    parts = min(max(round(1 / share), 2), count)
    stratified = classes is not None and np.bincount(classes).max() >= parts
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer rows than parts
        if index is None:
            made = StratifiedKFold if stratified else KFold
        else:
            made = StratifiedGroupKFold if stratified and count <= MOST_GROUPS else GroupKFold
        splitter = made(parts, shuffle=True, random_state=seed)
        target = classes if stratified else np.zeros(rows)
        train, held_out = next(splitter.split(np.zeros((rows, 1)), target, index))
    if not len(train) or not len(held_out):
        return None
    return train, held_out
