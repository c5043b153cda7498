"""Which columns of a table matter most to a run, and their cells as numbers or texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comp.data.columns.cells import Row, labels, read_numbers
from comp.data.columns.kinds import Column, find_kinds, number_form_of
from comp.errors import CompError

if TYPE_CHECKING:
    from comp.review.facts import RunFacts

MOST = 6
"""Columns that are main ones."""
ROWS = 2000
"""Training rows that decide what kind a column is."""


@dataclass(frozen=True)
class MainColumn:
    """A column of numbers or of categories."""

    column: Column

    @property
    def name(self) -> str:
        """The name in the table."""
        return self.column.name

    @property
    def numeric(self) -> bool:
        """Whether its cells are numbers."""
        return self.column.kind == "number"

    def numbers(self, rows: Sequence[Row]) -> np.ndarray:
        """The cells as numbers, float64 (N,); NaN for gaps and for rows without the column."""
        form, unit = number_form_of(self.column)
        return read_numbers([row.get(self.name) for row in rows], form, unit)[0]

    def texts(self, rows: Sequence[Row]) -> list[str]:
        """The cells as names of categories; "" for gaps."""
        return labels([row.get(self.name) for row in rows])


def main_columns(facts: RunFacts) -> list[MainColumn]:
    """The columns whose shuffling makes the score worst, or the first ones if the run did not
    measure that; at most six. Empty without columns."""
    if facts.oof is None or not facts.competition.columns:
        return []
    rows = [sample.features for sample in facts.oof.data.train[:ROWS]]
    try:
        kinds = find_kinds(rows, facts.oof.config.columns)
    except CompError:
        return []
    usable = [MainColumn(kind) for kind in kinds if kind.kind in ("number", "category")]
    importances = column_importances(facts)
    return sorted(usable, key=lambda column: -importances.get(column.name, 0.0))[:MOST]


def column_importances(facts: RunFacts) -> dict[str, float]:
    """By how much the score is worse when a column is shuffled, the mean over the folds; {} if the
    run did not measure it."""
    recorded = facts.scores.get("importances")
    if recorded:
        return {str(name): float(value) for name, value in recorded.items()}
    found: dict[str, list[float]] = {}
    for fold in facts.folds:
        for name, value in (fold.meta.get("importances") or {}).items():
            found.setdefault(name, []).append(float(value))
    return {name: float(np.mean(values)) for name, values in found.items()}
