"""Tables that fit into a narrow terminal: the least useful columns go, the others stay whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table: those with the lowest `rank` stay longest; rank 0 always stays.

    `least` is the width below which a column is not folded; None: its cells stay on one line.
    """

    header: str
    cells: Sequence[str | Text]
    rank: int = 0
    right: bool = False
    least: int | None = None
    style: str = ""

    @property
    def width(self) -> int:
        """The width that all cells have on one line."""
        return max(map(_width, (*self.header.split("\n"), *self.cells)))

    @property
    def least_width(self) -> int:
        """The width that the column needs."""
        return self.width if self.least is None else min(self.least, self.width)


def _width(cell: str | Text) -> int:
    return cell.cell_len if isinstance(cell, Text) else cell_len(cell)


def fitting(columns: Sequence[Column], width: int, between: int, around: int) -> list[Column]:
    """The columns that fit into `width`, with `between` characters between two of them and `around`
    at the two ends together."""
    kept = list(columns)
    while sum(c.least_width for c in kept) + between * (len(kept) - 1) + around > width:
        last = max(kept, key=lambda column: column.rank)
        if not last.rank:
            break
        kept.remove(last)
    return kept


def fitted_table(title: str, columns: Sequence[Column], width: int) -> Table:
    """A table with lines; where not all columns have room in it, one with less space between
    columns, and without the least useful of them."""
    wide = fitting(columns, width, between=3, around=4)
    if len(wide) == len(columns):
        return _filled(Table(title=title), columns)
    kept = fitting(columns, width, between=1, around=2)
    return _filled(Table(title=title, box=box.SIMPLE_HEAD, padding=0), kept)


def plain_table(columns: Sequence[Column]) -> Table:
    """A table without lines."""
    return _filled(Table(box=None, pad_edge=False, padding=(0, 2, 0, 0)), columns)


def _filled(table: Table, columns: Sequence[Column]) -> Table:
    for column in columns:
        table.add_column(
            column.header,
            justify="right" if column.right else "left",
            no_wrap=column.least is None,
            min_width=column.least_width,
            overflow="fold",
            style=column.style or None,
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*row)
    return table
