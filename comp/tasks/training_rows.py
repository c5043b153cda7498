"""The rows of a training table: with ids or numbered, with targets in it or in another table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from comp.data.columns.cells import is_gap
from comp.data.text_table import header_of, read_text_table
from comp.errors import DataError
from comp.tasks.name_groups import group_in
from comp.tasks.table_files import TableProblems, and_more, check_columns_exist, read_columns

if TYPE_CHECKING:
    import polars as pl

    from comp.tasks.row_table import RowTable


@dataclass(frozen=True)
class TrainingRows:
    """How the rows of a training table are listed, if it is not one table with ids and targets."""

    numbered: bool = False
    """Whether the rows have no ids: those are row_1, row_2, ..."""
    target_table: str | None = None
    """CSV file with the ids and the targets, if the training table does not have the targets."""
    skip_blank_targets: bool = False
    """Whether rows without a target are left out; else they are an error."""
    group_pattern: str | None = None
    """Regular expression for an id; the first of its groups that matches is the group of the row.
    A row whose id does not match has no group."""

    def read(
        self, table: RowTable, root: Path, columns: Sequence[str], problems: TableProblems
    ) -> pl.DataFrame:
        """Ids, targets, groups, weights and times of the training rows, and some columns, as text.

        Raises:
            DataError: a table cannot be read, or the ids of two tables differ.
        """
        needed = table._needed | dict.fromkeys(columns, "drop")
        targets = {n: a for n, a in needed.items() if n in table.cells.columns}
        if self.target_table is None:
            frame = read_rows(root / table.labels, needed, problems, numbered=self.numbered)
        else:
            rest = {n: a for n, a in needed.items() if n not in targets}
            frame = read_rows(root / table.labels, rest, problems, numbered=self.numbered)
            path = root / self.target_table
            ids = {table.id_column: "id_column"}
            frame = _joined(frame, read_columns(path, ids | targets, problems), path, table.labels)
        if not self.skip_blank_targets:
            return frame
        classes = table.task.labels if table.cells.form == "class" else ()
        return _with_targets(frame, list(targets), classes)

    def group_in(self, row_id: str) -> str | None:
        """The group in an id; None if there is none."""
        return group_in(self.group_pattern, row_id)


PLAIN = TrainingRows()
"""One table with ids and targets."""


def read_rows(
    path: Path, needed: Mapping[str, str], problems: TableProblems, *, numbered: bool
) -> pl.DataFrame:
    """Columns of a CSV as text, the first of them ids.

    Args:
        needed: column -> the argument of the plugin that names it.
        numbered: the table has no ids; they are made.

    Raises:
        DataError: a column is missing, or a table without ids has them.
    """
    import polars as pl

    if not numbered:
        return read_columns(path, needed, problems)
    ids, *others = needed
    if ids in header_of(path):
        raise DataError(
            f"{path} has the column '{ids}', but numbered = True is for rows without ids: leave "
            "numbered out in the plugin, or give another id_column"
        )
    check_columns_exist(path, {name: needed[name] for name in others})
    frame = read_text_table(path, others)
    numbers = pl.int_range(1, frame.height + 1, eager=True).cast(pl.String)
    return frame.select(("row_" + numbers).alias(ids), pl.all())


def _joined(rows: pl.DataFrame, targets: pl.DataFrame, path: Path, name: str) -> pl.DataFrame:
    """The rows with their targets, whose ids must be the same; the first columns are the ids."""
    ids = rows.columns[0]
    for one, other, where, absent in (
        (rows, targets, name, path.name),
        (targets, rows, path.name, name),
    ):
        alone = one.filter(~one[ids].is_in(other[ids].implode()))[ids].to_list()
        if alone:
            raise DataError(
                f"{where} has the {ids} '{alone[0]}', which {absent} does not have"
                f"{and_more(len(alone))}: fetch the data again, or remove these rows"
            )
    unique = targets.unique(subset=ids, maintain_order=True)  # repeated ids are a problem already
    return rows.join(unique, on=ids, how="left", maintain_order="left")


def _with_targets(
    frame: pl.DataFrame, targets: Sequence[str], classes: Sequence[str]
) -> pl.DataFrame:
    """The rows that have a target. A class may have the name of a gap, such as None."""
    import polars as pl

    def is_present(cell: str | None) -> bool:
        return not is_gap(cell) or (cell or "").strip() in classes

    present = [[is_present(cell) for cell in frame[name].to_list()] for name in targets]
    return frame.filter(pl.Series([any(cells) for cells in zip(*present, strict=True)]))
