"""The columns of a table as features for drift."""

from __future__ import annotations

from comp.config.columns import ColumnsConfig
from comp.data.columns.cells import Row
from comp.data.columns.kinds import Column, find_kinds
from comp.data.columns.treatment import Treatment
from comp.data.drift.drift import Drift, Sides, measure_drift
from comp.data.drift.separation import fit_trees
from comp.errors import DataError

IGNORED = ("constant", "dropped")
"""Kinds of columns that no model gets."""


def column_drift(sides: Sides, config: ColumnsConfig) -> Drift:
    """Compare the columns of train and test, treated as those that a model gets.

    Training rows alone decide the kinds. Categories and their frequencies are those of both sides:
    the rows in which they were counted would differ from all others.

    Raises:
        CompError: it is not clear what a column means, or test lacks one.
    """
    bare = config.model_copy(update={"pairs": [], "places": []})  # columns alone are compared
    rows, others = ([s.features for s in samples] for samples in (sides.train, sides.test))
    kinds = find_kinds(rows, bare)
    _check_columns(kinds, others)
    every = [*rows, *others]
    matrix = Treatment.fit(every, bare, kinds).for_trees(every)
    # the median of the codes of categories says nothing
    pairs = zip(matrix.names, matrix.categorical, strict=True)
    names = ["" if categorical else name for name, categorical in pairs]
    return measure_drift("columns", sides, matrix.values, names, fit_trees)


def _check_columns(kinds: list[Column] | tuple[Column, ...], rows: list[Row]) -> None:
    needed = {column.name for column in kinds if column.kind not in IGNORED}
    missing = next((needed - row.keys() for row in rows if not row.keys() >= needed), set())
    if missing:
        raise DataError(
            f"test rows lack the column '{min(missing)}': add it, or name it in columns.drop"
        )
