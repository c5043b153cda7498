from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.bundle.parts.write import BETWEEN, check_writable, write_submission
from comp.errors import DataError, SubmissionError
from comp.submission.write import write_rows


def ids(*names: str) -> Callable[[], Iterator[str]]:
    """The ids of a sample submission."""
    return lambda: iter(names)


def part(name: str, *values: Any) -> dict[str, list[Any]]:
    """One row."""
    return {"id": [name]} | {f"c{n}": [value] for n, value in enumerate(values)}


def written(tmp_path: Path, parts: Sequence[Any], *more: Any, **others: Any) -> str:
    """The file that is written."""
    write_submission(tmp_path / "s.csv", iter(parts), *more, **others)
    assert [path.name for path in tmp_path.iterdir()] == ["s.csv"]
    return (tmp_path / "s.csv").read_text()


@pytest.mark.parametrize(
    "parts",
    [
        [part("a", 0.1234567), part("007", 2 / 3)],
        [part("a", 1), part("b", 12)],
        [part("a", "x y"), part("b", ""), part('say "b"', "x,y")],
        [part("a", np.float64(1e-9), 1e9), part("b", -0.00000005, 0.5)],
        [part("Zoë", True), part("中文", False)],
        [{"id": ["a_1", "a_2"], "value": np.array([0.5, 0.25], np.float32)}],
        [part("a\nb", "c"), part("b", "c")],
        [{"id": ["a"], "c0": [None]}, part("b", "c")],
    ],
)
def test_cells_are_written_as_comp_writes_them(tmp_path: Path, parts: Sequence[Any]) -> None:
    write_rows(tmp_path / "known.csv", parts, 7)
    known = (tmp_path / "known.csv").read_text()
    (tmp_path / "known.csv").unlink()
    assert written(tmp_path, parts, 7) == known


def test_columns_and_rows_are_in_the_order_of_the_sample_submission(tmp_path: Path) -> None:
    parts = [part("b", 1, 2), part("a", 3, 4), part('q"\n', 5, 6)]
    text = written(tmp_path, parts, 3, ["c1", "id", "c0"], ["id"], ids('q"\n', "a", "b"))
    assert text == 'c1,id,c0\n6,"q""\n",5\n4,a,3\n2,b,1\n'


def test_an_id_that_is_there_twice_is_written_twice(tmp_path: Path) -> None:
    text = written(tmp_path, [part("a", 1), part("b", 2)], 3, None, ["id"], ids("a", "b", "a"))
    assert text == "id,c0\na,1\nb,2\na,1\n"


def test_rows_of_one_image_are_told_apart_by_their_class(tmp_path: Path) -> None:
    """The sample submission has all images of a class, then those of the next."""
    parts = [{"id": [i, i], "c": [1, 2], "rle": [f"{i}1", f"{i}2"]} for i in ("a", "b")]
    known = ["id", "c"]
    rows = [BETWEEN.join(each) for each in (("a", "2"), ("b", "2"), ("a", "1"), ("b", "1"))]
    text = written(tmp_path, parts, 3, ["id", "c", "rle"], known, ids(*rows))
    assert text == "id,c,rle\na,2,a2\nb,2,b2\na,1,a1\nb,1,b1\n"
    with pytest.raises(SubmissionError, match="two rows of 'a' differ"):
        written(tmp_path, parts, 3, None, ["id"], ids("a", "b", "a", "b"))


@pytest.mark.parametrize(
    ("parts", "header", "wanted", "message"),
    [
        ([part("a", 1)], None, ids("a", "b"), "1 ids of the sample submission have no row"),
        ([part("a", 1)], ["id", "x"], ids("a"), "has the columns id, x, and the run writes id, c0"),
        ([part("a", 1), part("b", 1, 2)], None, ids("a", "b"), "rows have the columns id, c0, c1"),
        ([], None, ids(), "nothing to write"),
    ],
)
def test_a_wrong_submission_is_not_written(
    tmp_path: Path, parts: Sequence[Any], header: Any, wanted: Any, message: str
) -> None:
    with pytest.raises(SubmissionError, match=message):
        write_submission(tmp_path / "s.csv", iter(parts), 3, header, ["id"], wanted)
    assert list(tmp_path.iterdir()) == []


def test_numbers_outside_the_limits_are_said(tmp_path: Path) -> None:
    lines: list[str] = []
    parts = [part("5", 0.5), part("6", 1.5), part("7", np.float32(-1)), part("8", "x")]
    written(tmp_path, parts, 3, limits=(0.0, 1.0), log=lines.append)
    assert lines == ["outside 0 to 1 are 2 numbers of the submission"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "s.csv").mkdir()
    with pytest.raises(DataError, match="cannot write"):
        write_submission(tmp_path / "s.csv", iter([part("a", 1)]), 3)


def test_a_folder_that_cannot_be_written_is_known_before(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot write .*submission\.csv: "):
        check_writable(tmp_path / "file" / "submission.csv")
    check_writable(tmp_path / "new" / "submission.csv")
    assert list((tmp_path / "new").iterdir()) == []
