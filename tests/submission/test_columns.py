from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from comp.errors import SubmissionError
from comp.submission.columns import Column, columns_of, is_valid
from comp.submission.spec import SubmissionSpec

ANIMALS = ("cat", "dog")
GRADES = ("1", "2", "3")


def column(tmp_path: Path, cells: list[str], own: list[str] = [], **fields: Any) -> Column:  # noqa: B006
    """The column of a sample submission with these cells, and of a submission with `own` cells."""
    path = tmp_path / "sample.csv"
    path.write_text("id,x\n" + "".join(f"i{n},{cell}\n" for n, cell in enumerate(cells)))
    spec = SubmissionSpec(template=path, **fields)
    series = pl.Series("x", own, dtype=pl.String)
    return columns_of(["x"], spec, lambda _name: series)[0]


def invalid(column: Column, cells: list[str], **fields: Any) -> list[str]:
    """The cells that are not valid in a column."""
    frame = pl.DataFrame({"x": cells})
    return frame.filter(~is_valid(column, SubmissionSpec(template=[], **fields)))["x"].to_list()


def test_different_numbers_show_that_numbers_are_needed(tmp_path: Path) -> None:
    found = column(tmp_path, ["0", "0.5"], limits=(0, 1))
    assert (found.kinds, found.why) == (("number",), "the sample has '0'")
    cells = ["1e-1", "1", "2", "3 4", "", "cat"]
    assert invalid(found, cells, limits=(0, 1)) == ["2", "3 4", "", "cat"]


@pytest.mark.parametrize("number", ["-1", "0", "0.5", "1"])
def test_one_number_everywhere_is_a_placeholder_for_runs_too(tmp_path: Path, number: str) -> None:
    found = column(tmp_path, [number, number], labels=ANIMALS, limits=(-1, 1))
    cells = ["0.25", "3 4 9 2", number, "5", "", "cat"]
    assert invalid(found, cells, labels=ANIMALS, limits=(-1, 1)) == ["5", "", "cat"]


def test_the_whole_column_decides_not_its_first_cell(tmp_path: Path) -> None:
    assert column(tmp_path, ["", "0.1", "0.2"]).kinds == ("number",)
    assert column(tmp_path, ["", "cat"], labels=ANIMALS).kinds == ("label",)
    assert column(tmp_path, ["-1", "1 5"]).kinds == ("integers", "number")
    assert column(tmp_path, ["NaN", "cat"], labels=ANIMALS).kinds == ("label",)


def test_labels_and_further_words_of_the_sample_are_valid(tmp_path: Path) -> None:
    found = column(tmp_path, ["cat", "unknown"], labels=ANIMALS)
    cells = ["cat", "dog", "unknown", "Cat", "cow", "", "0", "cat dog"]
    assert invalid(found, cells, labels=ANIMALS) == ["Cat", "cow", "", "0", "cat dog"]


def test_several_labels_a_cell_are_each_known(tmp_path: Path) -> None:
    found = column(tmp_path, ["cat", "cat"], labels=ANIMALS, separator=" ")
    cells = ["dog cat", "dog cow", "", "dog  cat", "dog,cat"]
    wrong = invalid(found, cells, labels=ANIMALS, separator=" ")
    assert wrong == ["dog cow", "dog  cat", "dog,cat"]


@pytest.mark.parametrize("mark", [" ", "|", ";"])
def test_several_labels_in_a_cell_of_the_sample_make_it_a_column_of_labels(
    tmp_path: Path, mark: str
) -> None:
    """MAP@k: the sample shows a list of labels."""
    spec = {"labels": ("w1", "w2", "w3")}
    found = column(tmp_path, [f"w1{mark}w2{mark}w3"] * 2, **spec)
    assert (found.kinds, found.separator) == (("label",), mark)
    assert invalid(found, [f"w3{mark}w1", f"w3{mark}w4"], **spec) == [f"w3{mark}w4"]


def test_labels_that_look_like_numbers_are_compared_as_text(tmp_path: Path) -> None:
    found = column(tmp_path, ["1", "1"], labels=GRADES)
    assert found.kinds == ("label", "fraction")
    cells = ["1", "3", "0", "4", "01", "0.37"]
    assert invalid(found, cells, labels=GRADES) == ["0", "4", "01"]


def test_limits_say_that_numbers_are_submitted(tmp_path: Path) -> None:
    found = column(tmp_path, ["1", "1"], labels=GRADES, limits=(0, 2))
    assert invalid(found, ["0", "3"], labels=GRADES, limits=(0, 2)) == ["3"]


@pytest.mark.parametrize(
    ("cells", "outside"),
    [
        (["3", "5"], "5"),
        (["5", "5"], "5"),
        (["-1", "0"], "-1"),
        (["4", "0"], ""),
        (["0", "0"], ""),
        (["-1", "-1"], ""),
    ],
)
def test_a_sample_beyond_the_limits_contradicts_the_plugin(
    tmp_path: Path, cells: list[str], outside: str
) -> None:
    """Indices 0 to 4 were written where the sample had the grades 1 to 5."""
    low = 1 if cells == ["0", "0"] else 0
    found = column(tmp_path, cells, labels=("1", "2", "3", "4", "5"), limits=(low, 4)).problem
    assert found.startswith(f"the sample's x has '{outside}', which is not within 0 and 4: correct"
                            if outside else "")  # fmt: skip
    assert bool(found) == bool(outside)


def test_number_labels_do_not_pass_where_the_sample_has_words(tmp_path: Path) -> None:
    found = column(tmp_path, ["cat", "cat"], labels=("0", "1"))
    assert invalid(found, ["0", "1", "dog"], labels=("0", "1")) == ["0", "1"]


def test_words_without_labels_are_not_judged_but_numbers_are_no_words(tmp_path: Path) -> None:
    found = column(tmp_path, ["cat", "cat"])
    assert invalid(found, ["anything", "a b", "", "0.5", "nan"]) == ["0.5", "nan"]
    found = column(tmp_path, ["cat", "7"])
    assert invalid(found, ["anything", "0.5"]) == []


def test_a_label_in_another_spelling_is_a_problem_of_the_column(tmp_path: Path) -> None:
    found = column(tmp_path, ["No Finding"], labels=("no_finding", "mass"))
    assert found.problem == (
        "the sample has 'No Finding' where the labels have 'no_finding': use its spelling"
    )
    assert column(tmp_path, ["placeholder"], labels=("no_finding", "mass")).problem == ""


def test_a_second_column_of_names_has_the_words_of_the_sample(tmp_path: Path) -> None:
    found = column(tmp_path, ["a.png", "b.png"], labels=ANIMALS)
    assert invalid(found, ["a.png", "b.png", "cat", "c.png"], labels=ANIMALS) == ["c.png"]


@pytest.mark.parametrize("cell", ["1 1", "0 0", "1 0"])
def test_pairs_of_numbers_in_the_sample_allow_lists_and_empty_masks(
    tmp_path: Path, cell: str
) -> None:
    found = column(tmp_path, [cell, cell], labels=("salt",))
    assert "rle_columns" in found.why
    cells = ["", "-1", "4 2 9 1", "4", "4 -2", "salt"]
    assert invalid(found, cells, labels=("salt",)) == ["4 -2", "salt"]


@pytest.mark.parametrize(
    ("cells", "empty"),
    [
        (["1 1", "1 1"], ("", "-1", "1 0", "0 0")),
        (["", ""], ("",)),
        (["-1", "-1"], ("-1",)),
        (["1 0", "3 4"], ("1 0",)),
        (["-1", ""], ("-1", "")),
        (["0", "0"], ("", "-1", "1 0", "0 0")),
    ],
)
def test_an_empty_mask_is_written_as_the_sample_writes_it(
    tmp_path: Path, cells: list[str], empty: tuple[str, ...]
) -> None:
    found = column(tmp_path, cells, rle=("x",))
    assert (found.kinds, found.words) == (("runs",), empty)
    assert found.why.startswith("the plugin's rle_columns")


@pytest.mark.parametrize(
    ("own", "kinds"),
    [
        (["", "dog"], ("label",)),
        (["", "3 4"], ("integers", "number")),
        (["", "0.5"], ("number",)),
        (["", ""], ("number",)),
    ],
)
def test_blank_samples_leave_it_to_the_cells_of_the_submission(
    tmp_path: Path, own: list[str], kinds: tuple[str, ...]
) -> None:
    assert column(tmp_path, ["", ""], own, labels=ANIMALS).kinds == kinds
    spec = SubmissionSpec(template=["a", "b"], labels=ANIMALS)
    assert columns_of(["x"], spec, lambda _: pl.Series("x", own))[0].kinds == kinds


def test_a_sample_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    spec = SubmissionSpec(template=tmp_path / "sample.csv")
    with pytest.raises(SubmissionError, match="is not a sample submission"):
        columns_of(["x"], spec, lambda _: pl.Series("x", ["1"]))
