"""Texts that are plain numbers, such as 12.5 and -3e5, read by polars: many at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from comp.contract.sample import Cell

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MANY = 500
"""Texts from which polars is faster than Python."""
_PLAIN = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


def plain_numbers(cells: Sequence[Cell], unit: str = "") -> tuple[np.ndarray, Sequence[int]]:
    """The cells that are plain numbers, with the sign `unit` if it is given.

    Returns:
        Numbers float64 (N,), NaN for the other cells; and the indices of those, in order.
    """
    import numpy as np

    column = _texts(cells) if set(map(type, cells)) <= {str, type(None)} else None
    if column is None:
        return np.full(len(cells), np.nan), range(len(cells))
    bare = column.str.strip_chars()
    if unit:
        bare = _without(bare, unit)
    numbers = bare.set(~bare.str.contains(_PLAIN), None).cast(float, strict=False)
    values = numbers.to_numpy().astype(np.float64)  # a copy that can be changed
    return values, numbers.is_null().arg_true().to_list()


def without_plain(texts: Collection[str]) -> Collection[str]:
    """The texts without most of those that are plain numbers."""
    column = _texts(texts)
    return texts if column is None else column.filter(~column.str.contains(_PLAIN)).to_list()


def _texts(cells: Collection[Cell]) -> pl.Series | None:
    """Texts and None as a column; None if they are few, or not Unicode."""
    import polars as pl

    if len(cells) < MANY:
        return None
    try:
        return pl.Series(list(cells), dtype=pl.String)
    except UnicodeEncodeError:
        return None


def _without(texts: pl.Series, unit: str) -> pl.Series:
    """The texts without the sign, which is at the end, or of a currency at the beginning; None for
    those that do not have it there."""
    import polars as pl

    last = pl.when(pl.col("text").str.ends_with(unit)).then(pl.col("text").str.strip_suffix(unit))
    if unit == "%":
        return texts.to_frame("text").select(last).to_series()
    first = pl.when(pl.col("text").str.starts_with(unit)).then(
        pl.col("text").str.strip_prefix(unit)
    )
    return texts.to_frame("text").select(pl.coalesce(first, last)).to_series()
