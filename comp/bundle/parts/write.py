"""Writes the submission, with the columns and in the order of the sample submission."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from comp.bundle.parts.images import Log
from comp.errors import DataError, SubmissionError

BETWEEN = "\x1f"
"""What is between the cells of a key in one text; a table does not have it."""


def write_submission(
    path: Path,
    parts: Iterable[Mapping[str, Any]],
    decimals: int,
    header: Sequence[str] | None = None,
    keys: Sequence[str] = (),
    ids: Callable[[], Iterator[str]] | None = None,
    limits: Sequence[float] | None = None,
    log: Log = print,
) -> int:
    """Write the rows, and return their number. The file appears at `path` when it is complete.

    Args:
        parts: the rows of each image, as columns of equal lengths.
        decimals: decimals of a number with a fraction.
        header: the columns of the sample submission; None: those of the first part.
        keys: the columns by which a row is known, such as the ids and the classes of masks; by
            default the first one.
        ids: returns the same cells of the sample submission, joined by `BETWEEN`, each time from
            the start; the rows are written in their order. None: in the order of the parts.
        limits: the smallest and the largest valid number; the log says how many are outside.

    Raises:
        SubmissionError: the columns are not those of the sample submission, or an id has no row.
    """
    temporary = path.with_name(f"{path.name}.part")
    check_writable(path)
    try:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            order, range_ = _Order(ids), _Range(limits)
            count = _write(stream, parts, decimals, header, keys, order, range_)
        if count == 0:
            raise SubmissionError("nothing to write: there are no test images")
        if ids and not order.is_right:
            count = _write_in_order(temporary, ids, keys)
        range_.tell(log)
        os.replace(temporary, path)  # noqa: PTH105 - as comp.files does
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return count


def check_writable(path: Path) -> None:
    """Make the folder of a file, and try to write in it: before hours of predictions, not after.

    Raises:
        DataError: nothing can be written there.
    """
    trial = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from None


class _Order:
    """Compares the ids that are written with those of the sample submission, one after another."""

    def __init__(self, ids: Callable[[], Iterator[str]] | None) -> None:
        self.known = ids is not None
        self._ids = ids() if ids else iter(())
        self.differs = False

    def add(self, name: str) -> None:
        """Count a row."""
        if self.known and not self.differs:
            self.differs = next(self._ids, None) != name

    @property
    def is_right(self) -> bool:
        """Whether the rows that were written are those of the sample submission, in its order."""
        return not self.differs and next(self._ids, None) is None


class _Range:
    """Counts the numbers that are outside the limits of the submission."""

    def __init__(self, limits: Sequence[float] | None) -> None:
        self.limits, self.outside = limits, 0

    def add(self, values: Sequence[Any]) -> None:
        """Count the cells of a column."""
        numbers = np.asarray(values)
        if self.limits and numbers.dtype.kind in "iuf":
            low, high = self.limits
            self.outside += int(((numbers < low) | (numbers > high)).sum())

    def tell(self, log: Log) -> None:
        """Say how many are outside."""
        if self.limits and self.outside:
            low, high = self.limits
            log(f"outside {low:g} to {high:g} are {self.outside:,} numbers of the submission")


def _write(
    stream: TextIO,
    parts: Iterable[Mapping[str, Any]],
    decimals: int,
    header: Sequence[str] | None,
    keys: Sequence[str],
    order: _Order,
    range_: _Range,
) -> int:
    columns: list[str] = []
    count = 0
    for part in parts:
        if not columns:
            columns = _columns(list(part), header)
            known = [name for name in keys if name in columns] or columns[:1]
            stream.write(",".join(map(_quoted, columns)) + "\n")
        if set(part) != set(columns):
            raise SubmissionError(f"rows have the columns {', '.join(part)}, expected {columns}")
        cells = [_texts(part[name], decimals) for name in columns]
        for row in zip(*cells, strict=True):
            stream.write(",".join(row) + "\n")
            count += 1
        for name in columns:
            if name not in known:
                range_.add(part[name])
        for key in zip(*(part[name] for name in known), strict=True):
            order.add(BETWEEN.join(map(str, key)))
    return count


def _columns(found: list[str], header: Sequence[str] | None) -> list[str]:
    """The columns in the order of the sample submission."""
    if header is None:
        return found
    check_columns(found, header)
    return list(header)


def check_columns(found: Sequence[str], header: Sequence[str]) -> None:
    """Check that the rows of the run have the columns of the sample submission.

    Raises:
        SubmissionError: they have others.
    """
    if set(found) != set(header):
        raise SubmissionError(
            f"the sample submission has the columns {', '.join(header)}, and the run writes "
            f"{', '.join(found)}: bundle a run on this data"
        )


def _write_in_order(path: Path, ids: Callable[[], Iterator[str]], keys: Sequence[str]) -> int:
    """Write the rows of a file again, in the order of the sample submission."""
    lines: dict[str, str] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        first = stream.readline()
        names = next(csv.reader([first]))
        places = [names.index(name) for name in keys if name in names] or [0]
        for line in _records(stream):
            cells = next(csv.reader([line]))
            key = BETWEEN.join(cells[place] for place in places)
            if lines.setdefault(key, line) != line:
                raise SubmissionError(
                    f"two rows of '{key}' differ, so they cannot be put into the order of the "
                    "sample submission: use --wheels, which takes comp along"
                )
    missing = [name for name in ids() if name not in lines]
    if missing:
        raise SubmissionError(
            f"{len(missing):,} ids of the sample submission have no row, such as {missing[0]!r}: "
            "bundle a run on this data"
        )
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(first)
        count = 0
        for name in ids():
            stream.write(lines[name])
            count += 1
    return count


def _records(stream: Iterable[str]) -> Iterator[str]:
    """The rows of a CSV as they stand, with the line ends inside quotes."""
    waiting = ""
    for line in stream:
        waiting += line
        if waiting.count('"') % 2 == 0:
            yield waiting
            waiting = ""


def _texts(values: Any, decimals: int) -> list[str]:
    """The cells of a column as text, as comp writes them."""
    listed = values.tolist() if hasattr(values, "tolist") else values
    return [_text(value, decimals) for value in listed]


def _text(value: Any, decimals: int) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    return f"{value:.{decimals}f}" if isinstance(value, float | np.floating) else str(value)


def _quoted(text: str) -> str:
    """A text as a cell of a CSV; the empty text is in quotes, unlike a gap."""
    if text and not any(mark in text for mark in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
