"""What models get of the rows of a table: arrays, with the names of their columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrix:
    """One array of all columns.

    For trees, gaps are NaN and categories are codes 0, 1, ..., and an unknown category is NaN. For
    linear models and neighbours there is no NaN and no category.
    """

    values: np.ndarray
    """float64 (N, F)."""
    names: tuple[str, ...]
    """F names."""
    categorical: np.ndarray
    """bool (F,): which columns are codes of categories."""
    embedded: int = 0
    """How many columns, the last ones, are the embedding of an image."""

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.values)

    def rows(self, indices: np.ndarray) -> Matrix:
        """The rows with these indices."""
        return Matrix(
            values=self.values[indices],
            names=self.names,
            categorical=self.categorical,
            embedded=self.embedded,
        )


TreeMatrix = Matrix
"""What `Treatment.for_trees` returns."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkMatrix:
    """Scaled numbers and indices of categories."""

    numbers: np.ndarray
    """float32 (N, F) without NaN: scaled numbers, with 0 for a gap; then 1 for each gap of a column
    that has gaps in the training rows, else 0."""
    number_names: tuple[str, ...]
    categories: np.ndarray
    """int64 (N, C); 0 is a gap or an unknown category."""
    category_names: tuple[str, ...]
    cardinalities: tuple[int, ...]
    """C numbers: the indices of a column are below its cardinality."""
