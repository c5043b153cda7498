"""The cells of the rows of a table that models learn from, and a plugin's own columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Cell
from comp.errors import CompetitionError, DataError

if TYPE_CHECKING:
    import polars as pl

    OwnFeatures = Callable[[pl.DataFrame], pl.DataFrame]
    """A frame -> the same rows in the same order, with other columns. A row must depend on its own
    cells alone, so that train and test rows are treated alike."""

SOME = 40
"""Rows on which the plugin's own columns are made twice, to see that each depends on its row."""
NUMBER, TEXT = "number", "text"
"""What a plugin's function gets of a column: Float64, or text."""


def cells_of(frame: pl.DataFrame) -> list[dict[str, Cell]]:
    """The cells of each row by column: texts, numbers, None for a gap. Dates become texts."""
    import polars as pl

    columns = []
    for column in frame.iter_columns():
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            columns.append(column.cast(pl.Float64))
        else:
            columns.append(column.cast(pl.String))
    return pl.DataFrame(columns).to_dicts() if columns else [{} for _ in range(frame.height)]


def kinds_of(frame: pl.DataFrame) -> dict[str, str]:
    """The kind of each column of texts: NUMBER if its cells are all numbers or gaps, else TEXT."""
    import polars as pl

    found = {}
    for name in frame.columns:
        column = frame[name]
        numbers = column.cast(pl.Float64, strict=False)
        are_numbers = numbers.null_count() == column.null_count() < frame.height
        found[name] = NUMBER if are_numbers else TEXT
    return found


def with_own_features(
    frame: pl.DataFrame, numbers: Sequence[str], features: OwnFeatures, path: Path
) -> pl.DataFrame:
    """The frame that the plugin's function makes of a table.

    Args:
        frame: all cells as text.
        numbers: columns that the function gets as Float64.
        path: the table, for messages.

    Raises:
        DataError: a cell of `numbers` is not a number.
        CompetitionError: the function fails, or its rows are others, or depend on other rows.
    """
    import polars as pl

    try:
        typed = frame.with_columns(pl.col(list(numbers)).cast(pl.Float64))
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(
            f"{path} has a cell that is not a number in a column of numbers of the training table "
            f"({reason}): correct the cell"
        ) from None
    made = _called(features, typed)
    if made.height != frame.height:
        raise CompetitionError(
            f"features of the plugin returns {made.height} rows for {frame.height} of {path.name}: "
            "return one row for each, in the same order"
        )
    some = _called(features, typed.head(SOME))
    if not made.head(SOME).equals(some):
        different = [n for n in made.columns if n not in some or not made[n][:SOME].equals(some[n])]
        raise CompetitionError(
            f"features of the plugin makes the column '{(different or ['?'])[0]}' from other rows "
            "than its own, so it would differ between train and test: use the row's cells alone"
        )
    return made


def _called(features: OwnFeatures, frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    try:
        made: Any = features(frame)
    except Exception as error:  # the function is code of the plugin
        reason = " ".join(str(error).split())[:120]
        raise CompetitionError(
            f"features of the plugin fails ({type(error).__name__}: {reason}): correct the plugin"
        ) from error
    if not isinstance(made, pl.DataFrame):
        raise CompetitionError(
            f"features of the plugin returns a {type(made).__name__}: return a polars DataFrame"
        )
    return made
