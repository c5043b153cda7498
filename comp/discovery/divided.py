"""A column by whose values the author of the data has divided it into training and test set."""

from __future__ import annotations

from collections.abc import Collection

from comp.discovery.conclusion import Finding
from comp.discovery.table_rows import has_dates
from comp.discovery.tables import Column, DataTable

LEAST_VALUES = 10
"""Different values of the training and of the test set that are not alike by chance."""
MOST_SINGLE = 0.5
"""Share of the training rows whose value no other row has. It is about the chance that a random row
has a new value: that all of `LEAST_VALUES` are new has a chance of 0.001."""


def divided_column(
    table: DataTable, test: DataTable | None, taken: Collection[str]
) -> tuple[str | None, Finding | None]:
    """The column of texts, such as the names of molecules, that repeat in the training rows, and of
    which no test row has one: its rows are alike, and a random fold would know them. Also what is
    said about it; of several columns, it is that of the fewest values.

    Args:
        taken: the columns that are something else: ids and targets.
    """
    shared = [n for n in table.columns if test and n in test.columns and n not in taken]
    found = []
    for name in shared:
        assert test is not None
        if _is_divided(table.glance(name), test.glance(name)):
            column, later = table.column(name), test.column(name)
            if _is_divided(column, later):
                found.append((column.distinct, name, column.counts.total(), later.distinct))
    if not found:
        return None, None
    distinct, name, rows, others = min(found)
    why = f"{distinct:,} values in {rows:,} rows, and the {others:,} of the test set are all others"
    return name, Finding(f"rows with the same {name} are one group", why, "guess")


def _is_divided(column: Column, later: Column) -> bool:
    """Whether two columns of texts have many values, and none in common, although values repeat."""
    if column.kind != "text" or column.gaps or later.gaps or column.counts.keys() & later.counts:
        return False
    if min(column.distinct, later.distinct) < LEAST_VALUES or has_dates(column):
        return False
    single = sum(count == 1 for count in column.counts.values())
    return single <= MOST_SINGLE * column.counts.total()
