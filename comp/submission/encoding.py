"""The file format of a submission: compression, encoding, separator, header."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass
from pathlib import Path

from comp.errors import SubmissionError

_PACKED = {b"PK\x03\x04": "a zip or an Excel file", b"\x1f\x8b\x08": "packed with gzip"}
_NO_TABLES = {
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"version https://git-lfs": "a pointer of Git LFS, and not the file itself",
}
_BOM = codecs.BOM_UTF8
_SEPARATORS = {";": "semicolons", "\t": "tabs"}
_UTF16 = "it is written in UTF-16: write it in UTF-8"
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Form:
    """What is needed to read the table in a file."""

    source: Path | bytes
    """What to parse: the file, or its text in UTF-8 if the file has another encoding."""
    separator: str
    header: tuple[str, ...]
    """The names in the first line."""
    marked: bool
    """Whether the file begins with a byte order mark."""
    problems: tuple[str, ...]
    """What is wrong with the encoding and the separator."""


def form_of(path: Path, name: str | None = None, *, whole: bool = False) -> Form:
    """Read the format of a CSV file from its first MiB, or from the `whole` file.

    Args:
        name: the file's name in messages.

    Raises:
        SubmissionError: the file does not exist, is empty, or is not text.
    """
    name = name or path.name
    head = _head(path)
    if not head.strip():
        raise SubmissionError(f"{name} is empty ({len(head)} bytes): make the submission again")
    other = other_format(head)
    if other:
        raise SubmissionError(f"{name} is {other}: give the plain CSV")
    encoding, problems = encoding_of(path, head, whole)
    source = path.read_bytes().decode(encoding, "replace").encode() if problems else path
    head = source[:_CHUNK] if isinstance(source, bytes) else head
    line = head.removeprefix(_BOM).decode("utf-8", "ignore").lstrip("\ufeff").split("\n", 1)[0]
    separator = next((mark for mark in _SEPARATORS if mark in line and "," not in line), ",")
    if separator != ",":
        problems.append(f"its columns are separated by {_SEPARATORS[separator]}: write commas")
    return Form(
        source=source,
        separator=separator,
        header=_names(line.rstrip("\r"), separator, name),
        marked=head.startswith(_BOM),
        problems=tuple(problems),
    )


def other_format(head: bytes) -> str:
    """What a file is that starts with `head` and is not a table: "a web page"; "" for a table."""
    packed = (what for magic, what in _PACKED.items() if head.startswith(magic))
    start = head[:64].lstrip(_BOM + b" \r\n\t").lower()
    other = (what for magic, what in _NO_TABLES.items() if start.startswith(magic))
    return next(packed, next(other, ""))


def _names(line: str, separator: str, name: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader([line], delimiter=separator), []))
    except csv.Error as error:
        raise SubmissionError(
            f"the header of {name} cannot be read ({error}): make the submission again"
        ) from None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_CHUNK)
    except FileNotFoundError:
        raise SubmissionError(f"no file at {path}: give a CSV file") from None
    except OSError as error:
        raise SubmissionError(f"cannot read {path}: {error.strerror}") from None


def encoding_of(path: Path, head: bytes, whole: bool) -> tuple[str, list[str]]:
    """The encoding to read a file with, and what is wrong with it."""
    half = len(head) // 4
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", [_UTF16]
    for encoding, start in (("utf-16-le", 1), ("utf-16-be", 0)):
        if half and head[start::2].count(0) > half:
            return encoding, [_UTF16]
    line = _first_line_not_utf8(path, whole)
    if line is None:
        return "utf-8", []
    return "cp1252", [f"line {line:,} is in Latin-1 or Windows-1252: write it in UTF-8"]


def _first_line_not_utf8(path: Path, whole: bool) -> int | None:
    """The number of the first line that is not UTF-8, from 1; None if all are."""
    decoder, lines = codecs.getincrementaldecoder("utf-8")(), 1
    with path.open("rb") as stream:
        chunk = stream.read(_CHUNK)
        while chunk:
            following = stream.read(_CHUNK)
            try:
                lines += decoder.decode(chunk, final=not following).count("\n")
            except UnicodeDecodeError as error:
                return lines + error.object[: error.start].count(b"\n")
            chunk = following if whole else b""
    return None
