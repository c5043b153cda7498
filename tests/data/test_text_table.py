"""CSV files as people and programs save them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from comp.data.text_table import TableError, check_plain, header_of, list_of, read_text_table

ROWS = [("a", "cat"), ("b", "dog")]
WIDE = ",".join(f"c{i}" for i in range(60))
ONES = ",1" * 60
QUOTE = 'line 2 has a quote (") that is not closed'


def table(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "train.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"id,label\na,cat\nb,dog\n",
        b"id,label\r\na,cat\r\nb,dog",
        b"id,label\ra,cat\rb,dog\r",
        b"\xef\xbb\xbfid,label\na,cat\nb,dog\n",
        "id,label\na,cat\nb,dog\n".encode("utf-16"),
        "id,label\na,cat\nb,dog\n".encode("utf-16-le"),
        "id\tlabel\na\tcat\nb\tdog\n".encode("utf-16"),
        b"id;label\na;cat\nb;dog\n",
        b"id\tlabel\na\tcat\nb\tdog\n",
        b"id|label\na|cat\nb|dog\n",
        b'"id", "label"\n"a", "cat"\n"b", "dog"\n',
        b" id ,label\na,cat\nb,dog\n",
        b"\n\nid,label\na,cat\n\nb,dog\n\n",
        b"id,label,text\na,cat,x\nb,dog\n",
        b'id,label,text\na,cat,5" disc\nb,dog,y\n',
        b'id,label,text\na,cat,"one, two\nthree four, five, six"\nb,dog,z\n',
        b"id,label,text\na,cat,\xe9\nb,dog,z\n",
        b"id,label,x,x\na,cat,1,2\nb,dog,3,4\n",
        f"id,label,{WIDE}\na,cat{ONES}\nb,dog{ONES}\n".encode(),
    ],
    ids=lambda content: repr(content[:40]),
)
def test_what_is_certain_is_read(tmp_path: Path, content: bytes) -> None:
    frame = read_text_table(table(tmp_path, content), ["label", "id"])
    assert frame.columns == ["label", "id"]
    assert frame.select("id", "label").rows() == ROWS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'id,label\na,"cat\nb,dog\n', QUOTE),
        (b'id,label\na,"cat\nb,dog"\nc,owl\n', QUOTE),
        (b'id,label\na,"cat\nb,dog\nc,"owl\n', QUOTE),
        (b'id,label,text\na,cat,"x\nb,dog,y"\nc,owl,z\n', QUOTE),
        (b"id,label\na,cat,1\nb,dog\n", "line 2 has 3 fields, and the header has 2 (id, label)"),
        (b"id,label\na,0,5\nb,1\n", "line 2 has 3 fields (a decimal comma?)"),
        (f"id,label,{WIDE}\na,cat{ONES},1\nb,dog{ONES[2:]}\n".encode(), "line 2 has 63 fields"),
        (b"# leaves\nid,label\na,cat\n", "line 2 has 2 fields, and the header has 1 (# leaves)"),
        (b"id,label\na,\xe9t\xe9\n", "line 2 is not UTF-8 ('\u00e9t\u00e9' if it is Windows-1252"),
        (b"id,label,label\na,cat,1\n", "has the column 'label' twice"),
        (b"i\rd,label\na,cat\n", "has no header: new-line character seen in unquoted field"),
        (b"", "is empty (0 bytes): fetch the data again"),
        (b" \r\n", "is empty (3 bytes): fetch the data again"),
        (b"PK\x03\x04", "is a zip or an Excel file, not a CSV"),
        (b"\n<!DOCTYPE html>", "is a web page, not a CSV: fetch the data again"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_what_could_be_read_in_two_ways_is_refused(
    tmp_path: Path, content: bytes, words: str
) -> None:
    """A quote joined rows in silence, or was "expected 0 rows, actual 21"."""
    columns = None if content.startswith((b"#", b"PK", b"v", b"\n", b" ")) else ["id", "label"]
    with pytest.raises(TableError, match=re.escape(words)) as caught:
        read_text_table(table(tmp_path, content), columns)
    assert str(tmp_path / "train.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ((), "fetch the data again"),
        (("labels.csv", "x.png"), "no train.csv in .*, only labels.csv: correct the name in the"),
        (("labels.csv", "Train.csv"), "no train.csv in .*, but Train.csv: correct the name in the"),
    ],
)
def test_a_missing_table_names_those_that_there_are(
    tmp_path: Path, others: tuple[str, ...], words: str
) -> None:
    for name in others:
        (tmp_path / name).touch()
    with pytest.raises(TableError, match=words):
        header_of(tmp_path / "train.csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id;label\na;0\n", "has semicolons between its columns, which a submission must not"),
        ("id,label\na,0\n".encode("utf-16"), "is written in UTF-16, which a submission must not"),
    ],
    ids=["semicolons", "UTF-16"],
)
def test_a_sample_submission_must_have_the_form_of_a_submission(
    tmp_path: Path, content: bytes, words: str
) -> None:
    with pytest.raises(TableError, match=words):
        check_plain(table(tmp_path, content))
    check_plain(table(tmp_path, b"\xef\xbb\xbfid,label\r\na,0\r\n"))


def test_a_column_has_its_name_in_whatever_order_polars_gives_the_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """polars 1 gives columns in the order of the file: of a wide table, they got other names."""
    read = pl.read_csv

    def as_polars_1(source: Any, *, columns: Sequence[int] | None = None, **more: Any) -> Any:
        return read(source, columns=None if columns is None else sorted(columns), **more)

    monkeypatch.setattr(pl, "read_csv", as_polars_1)
    path = table(tmp_path, f"id,label,{WIDE}\na,cat{ONES}\nb,dog{ONES}\n".encode())
    frame = read_text_table(path, ["c7", "label", "id"])
    assert frame.rows() == [("1", "cat", "a"), ("1", "dog", "b")]
    assert frame.columns == ["c7", "label", "id"]


def test_a_long_list_is_cut() -> None:
    assert list_of(["a", "b"]) == "a, b"
    assert list_of([str(i) for i in range(14)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more"
