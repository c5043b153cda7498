"""Writes a submission file sample by sample, so that it is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from comp.errors import SubmissionError
from comp.files import replacing
from comp.submission.order import order_rows
from comp.submission.spec import DECIMALS, SubmissionSpec
from comp.submission.validate import template_header, validate_submission

_MERGED = 10_000
"""Rows of short parts that are written at once."""
_SHORT = 100
"""Rows of a part that is joined with others."""
_CHARACTERS = 1 << 24
"""Characters of texts, such as run lengths, after which the parts are written."""


def make_submission(path: Path, parts: Iterable[Mapping[str, Any]], spec: SubmissionSpec) -> int:
    """Write a submission, check it, and return its number of rows.

    The file appears at `path` only if it is valid. Until then an older file stays.

    Raises:
        SubmissionError: the submission is not valid; the message names every fault.
    """
    with replacing(path) as temporary:
        write_like_template(temporary, parts, spec)
        return validate_submission(temporary, spec, name=path.name)


def write_like_template(
    path: Path, parts: Iterable[Mapping[str, Any]], spec: SubmissionSpec
) -> None:
    """Write a submission with the columns in the order of the sample submission, and the rows too
    if they are run lengths.

    Raises:
        SubmissionError: as `write_rows`, or the sample submission cannot be read.
    """
    write_rows(path, parts, spec.decimals, template_header(spec.template))
    order_rows(path, spec)


def write_rows(
    path: Path,
    parts: Iterable[Mapping[str, Any]],
    decimals: int = DECIMALS,
    header: Sequence[str] = (),
) -> int:
    """Write one CSV from parts and return its number of rows.

    Args:
        parts: mappings of column names to columns of equal length.
        decimals: decimals of a float.
        header: the order of the columns, if the parts have exactly these columns.

    Raises:
        SubmissionError: there are no parts, the columns of a part differ from the first part, or
            are not lists of equal lengths of numbers and texts.
    """
    first: list[str] | None = None
    count = 0
    with path.open("wb") as stream:
        for part in _merge(parts):
            frame = _frame_of(part)
            if sorted(frame.columns) == sorted(header):
                frame = frame.select(header)
            if first not in (None, frame.columns):
                raise SubmissionError(
                    f"rows have columns {frame.columns}, expected {first}: return the same "
                    "columns for every sample"
                )
            frame.write_csv(stream, include_header=first is None, float_precision=decimals)
            first, count = frame.columns, count + frame.height
    if first is None:
        raise SubmissionError("nothing to write: there are no test samples")
    return count


def _merge(parts: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Join short parts with the same columns and types: one table is written faster than many."""
    waiting: dict[str, list[Any]] = {}
    types: list[tuple[str, Any]] = []
    count = length = 0
    for part in parts:
        new, size = _types(part)
        if waiting and (new != types or count >= _MERGED or length >= _CHARACTERS):
            yield _joined(waiting, types)
            waiting, count, length = {}, 0, 0
        if not new:
            yield part
            continue
        types, count = new, count + size
        for name, kind in new:
            values = part[name]
            waiting.setdefault(name, []).extend(
                values if isinstance(kind, type) else [values.copy()]
            )
            length += sum(map(len, values)) if kind is str else 0
    if waiting:
        yield _joined(waiting, types)


def _joined(waiting: Mapping[str, list[Any]], types: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Columns of parts in lists as they are, and those in arrays as one array."""
    return {
        name: waiting[name] if isinstance(kind, type) else np.concatenate(waiting[name])
        for name, kind in types
    }


def _types(part: Mapping[str, Any]) -> tuple[list[tuple[str, Any]], int]:
    """Name and type of each column of a part of a few rows in lists, or arrays of numbers, and
    their number; [] for another part.

    A list has the type of its values, and an array its data type.
    """
    if not isinstance(part, Mapping) or not part:
        return [], 0
    found: list[tuple[str, Any]] = []
    size = -1
    for name, values in part.items():
        kind = _type_of(values)
        if kind is None or size not in (-1, len(values)):
            return [], 0
        size = len(values)
        found.append((name, kind))
    return found, size


def _type_of(values: Any) -> Any:
    """The type of the values of a short list, the data type of a short array; None for others."""
    if type(values) is list:
        if len(values) == 1:
            return type(values[0])
        kinds = set(map(type, values)) if len(values) <= _SHORT else set()
        return kinds.pop() if len(kinds) == 1 else None
    if type(values) is np.ndarray and values.ndim == 1 and values.dtype.kind in "biuf":
        return values.dtype if len(values) <= _SHORT else None
    return None


def _frame_of(part: Mapping[str, Any]) -> pl.DataFrame:
    """The table of a part.

    Raises:
        SubmissionError: the part is not a mapping of names to lists of equal lengths.
    """
    if not isinstance(part, Mapping) or not part:
        raise SubmissionError(f"rows are {part!r:.60}: return a mapping of columns to lists")
    columns = [_series(str(name), values) for name, values in part.items()]
    lengths = {column.name: len(column) for column in columns}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise SubmissionError(f"rows have columns of different lengths: {found:.100}")
    return pl.DataFrame(columns)


def _series(name: str, values: Any) -> pl.Series:
    """A column of numbers and texts. Numbers of different types become floats."""
    if isinstance(values, pl.Series):
        return values.alias(name)
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        raise SubmissionError(f"column {name} of the rows is {values!r:.40}: return a list")
    if getattr(values, "ndim", 1) != 1:
        raise SubmissionError(f"column {name} of the rows has the shape {values.shape}, not 1 axis")
    if not isinstance(values, np.ndarray) or values.dtype == object:
        values = list(values)
    try:
        series = pl.Series(name, values)
    except (TypeError, pl.exceptions.PolarsError):
        series = pl.Series(name, _plain(values), strict=False)
    if series.dtype.is_nested() or series.dtype == pl.Object:
        raise SubmissionError(
            f"column {name} of the rows has {values[0]!r:.40}: return texts or numbers"
        )
    return series


def _plain(values: Iterable[Any]) -> list[Any]:
    """Numbers as floats, if all are numbers."""
    items = [value.item() if isinstance(value, np.generic) else value for value in values]
    kinds = {type(item) for item in items if item is not None}
    if kinds <= {int, float, bool}:
        return [None if item is None else float(item) for item in items]
    return items


def pixel_rows(name: str, image: np.ndarray) -> Mapping[str, Any]:
    """Return one row for each pixel of an image (H, W) or (H, W, 1).

    The id is `<name>_<row>_<column>`; rows and columns count from 1.
    """
    height, width = image.shape[:2]
    rows = np.repeat(np.arange(1, height + 1, dtype=np.int32), width)
    columns = np.tile(np.arange(1, width + 1, dtype=np.int32), height)
    frame = pl.DataFrame({"row": rows, "column": columns, "value": image.reshape(-1)})
    return frame.select(
        pl.concat_str(
            pl.lit(f"{name}_"),
            pl.col("row").cast(pl.String),
            pl.lit("_"),
            pl.col("column").cast(pl.String),
        ).alias("id"),
        "value",
    ).to_dict(as_series=True)
