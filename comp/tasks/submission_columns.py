"""Checks of the columns of a submission against the labels of the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comp.tasks.label_cells import grade_numbers
from comp.tasks.name_words import mentioned, misplaced

if TYPE_CHECKING:
    from comp.tasks.table import Table


def check_columns(table: Table) -> None:
    """Check that each value is in the column of its label, and in its unit.

    Raises:
        ValueError: it is not, or the names do not say so clearly.
    """
    labels, columns = table.task.labels, table.columns
    if len(set(columns)) < len(columns):
        raise ValueError(f"columns = {', '.join(columns[:5])}: give each column another name")
    _check_second_class(table)
    both = (labels, table.cells.columns)
    if not any(set(columns) == set(names) for names in both):  # else values follow the names
        for names in both:
            wrong = misplaced(columns, names) if len(columns) == len(names) else None
            if wrong:
                raise ValueError(
                    f"columns has {wrong[0]!r} in the place of {wrong[1]!r}: give columns and the "
                    "task's labels the same order"
                )
    if table.submit == "numbers" and table.cells.form == "class" and not table.decided:
        numbers = grade_numbers(labels)
        if numbers != tuple(numbers[0] + index for index in range(len(numbers))):
            raise ValueError(
                f"the grades {', '.join(labels[:5])} are not consecutive numbers, so an expected "
                "grade has no number: choose another submit, or a metric of decisions"
            )


def _check_second_class(table: Table) -> None:
    """Refuse a value that is high for the second class in a column of the first."""
    labels, columns = table.task.labels, table.columns
    if table.submit not in ("probability", "index") or len(labels) != 2:
        return
    if mentioned(columns[0], labels) == {labels[0]}:
        value = "the probability of" if table.submit == "probability" else "1 for"
        raise ValueError(
            f"the column {columns[0]!r} would have {value} {labels[1]!r}, the second class: swap "
            "the classes of the task"
        )
