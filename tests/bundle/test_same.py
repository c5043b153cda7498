from pathlib import Path

import numpy as np
import pytest

from comp.bundle.same import (
    EXACT,
    LOOSE,
    ProgramPredictions,
    compare_predictions,
    compare_rows,
    compare_submissions,
)
from comp.errors import CompError

KNOWN = {"a": np.array([0.25, 0.5]), "b": np.array([0.75, 0.125])}


def test_equal_predictions() -> None:
    difference = compare_predictions({**KNOWN, "a": np.array([0.25, 0.50005])}, KNOWN, EXACT)
    assert difference.problem == ""
    assert difference.largest == pytest.approx(5e-5)


def test_the_largest_difference_and_its_id() -> None:
    difference = compare_predictions({**KNOWN, "b": np.array([0.75, 0.325])}, KNOWN, EXACT)
    assert difference.problem == "a prediction differs by 0.2 from comp predict (b)"
    assert compare_predictions({**KNOWN, "b": np.array([0.76, 0.125])}, KNOWN, LOOSE).problem == ""


def test_large_values_are_compared_in_relation() -> None:
    known = {"a": np.array([200_000.0])}
    assert compare_predictions({"a": np.array([200_001.0])}, known, EXACT).problem == ""
    assert compare_predictions({"a": np.array([200_100.0])}, known, EXACT).problem != ""


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"a": KNOWN["a"]}, "1 predictions are missing, first b"),
        ({**KNOWN, "c": KNOWN["a"]}, "1 predictions are too many, first c"),
        ({**KNOWN, "a": np.array([0.25])}, "has the shape"),
        ({**KNOWN, "a": np.array([np.nan, 0.5])}, "differs by inf"),
    ],
)
def test_other_predictions(found: dict[str, np.ndarray], words: str) -> None:
    assert words in compare_predictions(found, KNOWN, EXACT).problem


def test_the_files_of_the_program(tmp_path: Path) -> None:
    np.savez(tmp_path / "n.npz", ids=np.array(["b", "a"]), values=np.array([[1.0], [2.0]]))
    assert dict(ProgramPredictions(tmp_path / "n.npz")) == {"b": 1.0, "a": 2.0}
    images = {"0": np.zeros((2, 3, 1)), "1": np.ones((4, 5, 1))}
    np.savez(tmp_path / "i.npz", **images, ids=np.array(["y", "x"]))  # type: ignore[arg-type]
    found = ProgramPredictions(tmp_path / "i.npz")
    assert found["y"].shape == (2, 3, 1)
    assert found["x"].shape == (4, 5, 1)
    with pytest.raises(CompError, match="no predictions"):
        ProgramPredictions(tmp_path / "absent.npz")


def compared(folder: Path, found: str, expected: str, tolerance: float = EXACT) -> str:
    (folder / "found.csv").write_text(found)
    (folder / "expected.csv").write_text(expected)
    return compare_submissions(folder / "found.csv", folder / "expected.csv", 5, tolerance).problem


NUMBERS = "id,p\na,0.25000\nb,0.50000\n"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("id,p\na,0.25001\nb,0.50000\n", ""),  # the last decimal
        ("id,p\na,0.25100\nb,0.50000\n", "p of the submission differs by 0.00099"),
        ("id,p\nb,0.50000\na,0.25000\n", "the order differs"),
        ("id,p\na,0.25000\n", "1 id is missing"),
        ("id,q\na,0.25000\nb,0.50000\n", "the columns of the submission are id,q"),
        ("id,p\na,\nb,0.50000\n", "1 of 2 rows have another p, the first is a"),
    ],
)
def test_submissions_of_numbers(tmp_path: Path, found: str, words: str) -> None:
    problem = compared(tmp_path, found, NUMBERS)
    assert (words in problem) if words else problem == ""


def test_decisions_must_be_equal(tmp_path: Path) -> None:
    assert "1 of 2 rows have another label, the first is b" in compared(
        tmp_path, "id,label\na,cat\nb,dog\n", "id,label\na,cat\nb,cat\n"
    )
    assert compared(tmp_path, "id,grade\na,1\nb,2\n", "id,grade\na,1\nb,3\n") != ""


def test_half_the_precision_may_change_a_few_decisions(tmp_path: Path) -> None:
    rows = [f"{n},{n % 5}\n" for n in range(100)]
    other = "id,grade\n" + "".join(["0,4\n", *rows[1:]])
    assert compared(tmp_path, other, "id,grade\n" + "".join(rows), LOOSE) == ""
    many = "id,grade\n" + "".join([f"{n},4\n" for n in range(4)] + rows[4:])
    assert compared(tmp_path, many, "id,grade\n" + "".join(rows), LOOSE) != ""
    masks = ("id,rle\na,1 5\n", "id,rle\na,1 6\n")
    assert compared(tmp_path, *masks, LOOSE) == ""
    assert compared(tmp_path, *masks) != ""


def test_no_submission(tmp_path: Path) -> None:
    (tmp_path / "expected.csv").write_text(NUMBERS)
    difference = compare_submissions(tmp_path / "found.csv", tmp_path / "expected.csv", 5, EXACT)
    assert difference.problem.startswith("no submission")


@pytest.mark.parametrize(
    ("mine", "same"),
    [
        ("a,0.12346,2,1 3\n", True),
        ("a,0.12347,2,1 3\n", False),
        ("a,0.12345,3,1 3\n", False),
        ("a,0.12345,2,1 4\n", False),
        ("a,0.12345,2,\n", False),
        ("b,0.12345,2,1 3\n", False),
        ("a,0.12345,2,1 3\nb,0.5,1,\n", False),
    ],
)
def test_rows_are_those_of_comp_for_the_same_predictions(
    tmp_path: Path, mine: str, same: bool
) -> None:
    found, expected = tmp_path / "mine.csv", tmp_path / "comp.csv"
    found.write_text(f"id,share,grade,labels\n{mine}")
    expected.write_text("id,share,grade,labels\na,0.12345,2,1 3\n")
    assert (compare_rows(found, expected, 5) == "") is same
