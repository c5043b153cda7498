"""A CSV file as a table of text, in the forms in which programs and people save it.

What is certain is read: a byte order mark, UTF-16, semicolons or tabs instead of commas, any line
ends, spaces after commas. What could be read in two ways is refused: a quote that is not closed
joins rows, and letters in an unknown encoding are unknown.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from comp.contract.file_names import names_like, nearest_name, some_of
from comp.errors import DataError
from comp.submission.encoding import encoding_of, other_format

if TYPE_CHECKING:
    import polars as pl


class TableError(DataError):
    """A table is missing or cannot be read with certainty, or does not have a needed column."""


SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
"""What may be between the columns if no comma is in the header."""
HEAD = 1 << 20
"""Bytes that show the form of a file."""
FEW = 50
"""Columns of a table that is read whole; of a wider one, only the needed columns are."""
SHOWN = 12
"""Columns in a message."""


@dataclass(frozen=True, kw_only=True)
class TextForm:
    """The form of a CSV file."""

    path: Path
    data: bytes
    """The content, or its beginning; in UTF-8, unless it is in an unknown encoding."""
    separator: str
    names: tuple[str, ...]
    """The column names, without spaces around them."""
    spaced: bool
    """Whether a quote follows the space after a comma."""
    utf16: bool

    @property
    def problem(self) -> str:
        """What a submission must not have: "is written in UTF-16"; "" if there is nothing."""
        if self.utf16:
            return "is written in UTF-16"
        if self.separator != ",":
            return f"has {SEPARATORS[self.separator]} between its columns"
        return ""


def header_of(path: Path) -> tuple[str, ...]:
    """The column names of a CSV, without spaces around them.

    Raises:
        TableError: the file is missing, or is not a table.
    """
    return _form_of(path, whole=False).names


def check_plain(path: Path) -> None:
    """Check that a sample submission is UTF-8 with commas, as the submission will be.

    Raises:
        TableError: it is not, or cannot be read.
    """
    problem = _form_of(path, whole=False).problem
    if problem:
        raise TableError(
            f"{path} {problem}, which a submission must not have: fetch Kaggle's file again, or "
            "save it as UTF-8 with commas"
        )


def read_text_table(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """A CSV file, or some columns of it, with all cells as text; blank cells are None.

    Lines without any cell are left out.

    Args:
        columns: names of the header; all if None.

    Raises:
        TableError: the file does not exist, cannot be read with certainty, or has a column of
            `columns` twice.
    """
    form = _form_of(path, whole=True)
    names = form.names if columns is None else tuple(dict.fromkeys(columns))
    twice = [name for name in names if form.names.count(name) > 1]
    if twice:
        raise TableError(f"{path} has the column '{twice[0]}' twice: rename or remove one")
    frame = None if form.spaced else _read_fast(form, names)
    return _read_line_by_line(form, names) if frame is None else frame


def list_of(names: Sequence[str], shown: int = SHOWN) -> str:
    """Names in a message: the first of them, and the number of the others."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more:,} more" if more > 0 else "")


def _form_of(path: Path, *, whole: bool) -> TextForm:
    try:
        with path.open("rb") as stream:
            data = stream.read() if whole else stream.read(HEAD)
    except FileNotFoundError:
        raise TableError(f"no {path.name} in {path.parent}{_instead(path)}") from None
    except OSError as error:
        raise TableError(f"cannot read {path}: {error.strerror}; change its permissions") from None
    if not data.strip(codecs.BOM_UTF8 + b"\r\n\t "):
        raise TableError(f"{path} is empty ({len(data)} bytes): fetch the data again")
    other = other_format(data[:HEAD])
    if other:
        raise TableError(f"{path} is {other}, not a CSV: fetch the data again")
    encoding, _ = encoding_of(path, data[:HEAD], whole=False)
    utf16 = encoding.startswith("utf-16")
    if utf16:
        data = data.decode(encoding, "replace").lstrip("\ufeff").encode()
    data = data.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    if b"\n" not in data[:HEAD]:  # the line ends of old programs
        data = data.replace(b"\r", b"\n")
    line = data[:HEAD].split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    separator = next((s for s in SEPARATORS if s in line and "," not in line), ",")
    spaced = f'{separator} "' in line
    return TextForm(
        path=path,
        data=data,
        separator=separator,
        names=_names(path, line, separator, spaced),
        spaced=spaced,
        utf16=utf16,
    )


def _instead(path: Path) -> str:
    """What a folder has instead of a missing table, and the remedy."""
    others = names_like(path.parent, PurePosixPath(path.name))
    near = nearest_name(path.name, others)
    if near:
        return f", but {near}: correct the name in the plugin"
    if others:
        return f", only {some_of(others)}: correct the name in the plugin, or fetch the data again"
    return ": fetch the data again"


def _names(path: Path, line: str, separator: str, spaced: bool) -> tuple[str, ...]:
    """The names of a header, without spaces around them if they stay different."""
    rows = csv.reader([line], delimiter=separator, skipinitialspace=spaced)
    try:
        names = tuple(next(rows, []))
    except csv.Error as error:
        raise TableError(f"{path} has no header: {error}; fetch the data again") from None
    bare = tuple(name.strip() for name in names)
    return bare if len(set(bare)) == len(set(names)) else names


def _read_fast(form: TextForm, names: Sequence[str]) -> pl.DataFrame | None:
    """Read with polars; None if the file has quotes or bytes that need a closer look."""
    import polars as pl

    some = _is_regular(form) and len(form.names) > FEW
    wanted = set(names)
    # In the order of the file: polars before 2 gives columns in it, whatever order is asked for.
    read = [i for i, name in enumerate(form.names) if not some or name in wanted]
    try:
        frame = pl.read_csv(
            BytesIO(form.data),
            infer_schema=False,
            separator=form.separator,
            columns=read if some else None,
            glob=False,
        )
    except pl.exceptions.PolarsError:
        return None
    lines = form.data.rstrip(b"\r\n").count(b"\n")
    if frame.height < lines or frame.width != len(read):  # a cell in quotes has several lines
        return None
    frame.columns = [str(index) for index in read]
    frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    place = {name: str(i) for i, name in reversed([*enumerate(form.names)])}  # the first
    return frame.select(pl.col(place[name]).alias(name) for name in names)


def _is_regular(form: TextForm) -> bool:
    """Whether a file has no quotes, and each line as many fields as the header."""
    import numpy as np

    if b'"' in form.data:
        return False
    data = np.frombuffer(form.data.rstrip(b"\r\n"), np.uint8)
    starts = np.concatenate([[0], np.flatnonzero(data == ord("\n"))])
    fields = np.add.reduceat(data == ord(form.separator), starts, dtype=np.int64)
    return bool((fields == len(form.names) - 1).all())


def _read_line_by_line(form: TextForm, names: Sequence[str]) -> pl.DataFrame:
    """Read with Python's reader, and refuse what is not certain.

    Raises:
        TableError: a quote is not closed, a line has too many fields, or a needed cell is not
            UTF-8.
    """
    import polars as pl

    indices = [form.names.index(name) for name in names]
    rows = [[row[i] for i in indices] for row in _checked_rows(form, indices)]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _checked_rows(form: TextForm, indices: Sequence[int]) -> Iterator[list[str | None]]:
    path, width = form.path, len(form.names)
    text = StringIO(form.data.decode("utf-8", "surrogateescape"), newline="")
    rows = csv.reader(text, delimiter=form.separator, skipinitialspace=form.spaced, strict=True)
    line = 0
    try:
        for row in rows:
            first, line = line + 1, rows.line_num
            if first > 1 and any(row):
                if len(row) > width:
                    raise TableError(f"{path}: {_many_fields(row, first, form)}")
                cells = [row[i] if i < len(row) else "" for i in indices]
                _check_quotes(form, row, cells, first, line)
                _check_letters(path, cells, first)
                yield [cell or None for cell in [*row, *[""] * (width - len(row))]]
    except csv.Error as error:
        if b'"' not in form.data:
            raise TableError(f"{path}: line {line + 1:,}: {error}; correct the line") from None
        raise _open_quote(path, line + 1) from None


def _open_quote(path: Path, line: int) -> TableError:
    return TableError(
        f'{path}: line {line:,} has a quote (") that is not closed, or is in the middle of a cell: '
        "remove it, or write the cell in quotes with each quote inside doubled"
    )


def _many_fields(row: Sequence[str], line: int, form: TextForm) -> str:
    comma = form.separator == "," and all(part.isdecimal() for part in row[-2:])
    return (
        f"line {line:,} has {len(row)} fields{' (a decimal comma?)' * comma}, and the header has "
        f"{len(form.names)} ({list_of(form.names)}): correct the line, or write cells that contain "
        "the separator in quotes"
    )


def _check_quotes(
    form: TextForm, row: Sequence[str], cells: Sequence[str], first: int, last: int
) -> None:
    """Refuse a row of several lines that seems to contain other rows, or has them in a needed
    cell."""
    if last == first:
        return
    inner = [line for cell in row if "\n" in cell for line in cell.split("\n")[1:]]
    fields = [line.split(form.separator) for line in inner]
    joined = any(len(parts) == len(form.names) and " " not in parts[0] for parts in fields)
    if joined or any("\n" in cell for cell in cells):
        raise _open_quote(form.path, first)


def _check_letters(path: Path, cells: Sequence[str], line: int) -> None:
    for cell in cells:
        if any("\udc80" <= letter <= "\udcff" for letter in cell):
            data = cell.encode("utf-8", "surrogateescape")
            raise TableError(
                f"{path}: line {line:,} is not UTF-8 ('{data.decode('cp1252', 'replace'):.40}' if "
                f"it is Windows-1252): save the file as CSV in UTF-8"
            )
