"""The matrix that an estimator fits, from the rows of a table and the embeddings of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comp.data.columns.cells import Row
from comp.data.columns.features import ReadCells
from comp.data.columns.matrices import Matrix
from comp.data.columns.treatment import Treatment
from comp.estimators.estimator import LIBRARIES

if TYPE_CHECKING:
    import numpy as np


def make_matrix(
    name: str,
    treatment: Treatment | None,
    rows: Sequence[Row],
    embeddings: np.ndarray | None = None,
) -> Matrix:
    """The matrix of an estimator: columns as it needs them, then embeddings.

    Trees get numbers with NaN and codes of categories; linear models and neighbours get scaled
    numbers, and a column of 0 and 1 for each category.

    Args:
        name: of the estimator.
        treatment: of the training rows; None if there are no columns.
        embeddings: of the images of the rows, (N, D).

    Raises:
        DataError: a row lacks a column.
    """
    import numpy as np

    empty = Matrix(values=np.zeros((len(rows), 0)), names=(), categorical=np.zeros(0, dtype=bool))
    matrix = empty
    if treatment is not None:
        matrix = matrix_of(name, treatment, treatment.features.read(rows))
    if embeddings is None:
        return matrix
    width = embeddings.shape[1]
    return Matrix(
        values=np.concatenate([matrix.values, embeddings.astype(np.float64)], axis=1),
        names=(*matrix.names, *(f"embedding {i}" for i in range(width))),
        categorical=np.concatenate([matrix.categorical, np.zeros(width, dtype=bool)]),
        embedded=width,
    )


def matrix_of(name: str, treatment: Treatment, cells: ReadCells) -> Matrix:
    """The matrix of an estimator, of rows that the treatment has read."""
    return treatment.trees_of(cells) if name in LIBRARIES else _scaled(treatment, cells)


def _scaled(treatment: Treatment, cells: ReadCells) -> Matrix:
    """Scaled numbers, and a column for each index of each category."""
    import numpy as np

    made = treatment.network_of(cells)
    parts, names = [made.numbers.astype(np.float64)], list(made.number_names)
    for i, (name, count) in enumerate(zip(made.category_names, made.cardinalities, strict=True)):
        parts.append(np.eye(count)[made.categories[:, i]])
        levels = treatment.features.levels[name]
        names += [f"{name} is {level}" for level in ("unknown", *levels)]
    values = np.concatenate(parts, axis=1)
    return Matrix(values=values, names=tuple(names), categorical=np.zeros(len(names), dtype=bool))
