from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from comp.submission.columns import Column
from comp.submission.spec import SubmissionSpec
from comp.submission.values import cell_problems, value_problems


def frame(*values: str | None, name: str = "p") -> pl.DataFrame:
    ids = [f"i{number}" for number in range(len(values))]
    return pl.DataFrame({"id": ids, name: values}, schema={"id": pl.String, name: pl.String})


def test_numbers_in_any_spelling_are_sound() -> None:
    assert value_problems(frame("0", "1", ".5", "1.", "5e-1", " 0.5 ", "+1"), (0, 1)) == []
    assert value_problems(frame("-1e9", "7"), None) == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("NaN", "NaN"),
        ("N/A", "NaN"),
        ("None", "NaN"),
        ("Infinity", "infinite"),
        ("1e999", "infinite"),
        (None, "empty"),
        ("  ", "empty"),
        ("0,5", "the text '0,5'"),
    ],
)
def test_what_is_no_number_is_named_by_its_kind(value: str | None, kind: str) -> None:
    assert value_problems(frame("0", value, "1"), (0, 1)) == [
        f"1 value of p is not a finite number, first at i1 ({kind})"
    ]


def test_values_out_of_range_are_counted_and_the_first_is_shown() -> None:
    assert value_problems(frame("0.5", "255", "1.5", "nan"), (0, 1)) == [
        "1 value of p is not a finite number, first at i3 (NaN)",
        "2 values of p are not within 0 and 1, first at i1 (255)",
    ]


def test_every_column_is_looked_at() -> None:
    both = frame("nan", "0").with_columns(q=pl.Series(["0", "2"]))
    assert [words.split(" is ")[0] for words in value_problems(both, (0, 1))] == [
        "1 value of p",
        "1 value of q",
    ]


def test_words_are_compared_with_the_labels() -> None:
    words = frame("cat", "cow", None, name="label")
    spec = SubmissionSpec(template=[], labels=("cat", "dog"))
    column = Column(name="label", kinds=("label",), why="the sample has 'dog'")
    assert cell_problems(words, column, spec) == [
        "2 values of label are not labels (cat, dog), first 'cow' at i1 (the sample has 'dog')"
    ]
    column = Column(name="label", kinds=("word",), why="the sample has 'dog'")
    assert cell_problems(frame("cow", "0.5", name="label"), column, spec) == [
        "1 value of label is a number, first '0.5' at i1 (the sample has 'dog')"
    ]


def test_what_needs_numbers_is_told_for_texts_and_blank_cells() -> None:
    why = "the sample has '0'"
    for value, kind in (("cat", "the text 'cat'"), (None, "empty")):
        assert value_problems(frame("0", value), None, why) == [
            f"1 value of p is not a finite number, first at i1 ({kind}; {why})"
        ]
    assert value_problems(frame("nan"), None, why)[0].endswith("(NaN)")


def runs(*cells: str | None, words: tuple[str, ...] = ("",), **fields: Any) -> list[str]:
    """The problems of a column of run lengths."""
    spec = SubmissionSpec(template=[], rle=("rle",), **fields)
    column = Column(name="rle", kinds=("runs",), why="the plugin's rle_columns", words=words)
    return cell_problems(frame(*cells, name="rle"), column, spec)


def test_sorted_runs_and_empty_masks_are_sound() -> None:
    assert runs("1 3 7 2", None, "", "0 4", "5 1") == []
    assert runs("-1", "3 4", words=("-1",)) == []
    assert runs("1 9", pixels={"i0": 9}) == []


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("7 2 1 3", "the runs are not sorted by start"),
        ("1 3 2 4", "the runs overlap at pixel 2"),
        ("3 0 5 1", "the runs contain a run of length 0"),
        ("1 2 3", "'1 2 3' has 3 numbers, which are not pairs: give pairs of start and length"),
        ("cat", "'cat' is not a list of whole numbers"),
        ("9 9", "the runs end at pixel 17, and the last is 9"),
        ("-1", "'-1' is not what the sample has for an empty mask, ''"),
    ],
)
def test_what_is_no_run_lengths_is_named(cell: str, problem: str) -> None:
    (message,) = runs("1 1", cell, pixels={"i1": 9})
    assert message.startswith(f"1 value of rle is not run lengths, first at i1: {problem}")
    assert message.endswith("(the plugin's rle_columns)")
