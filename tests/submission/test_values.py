from __future__ import annotations

import polars as pl
import pytest

from comp.submission.values import label_problems, value_problems


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


def test_words_are_compared_with_the_labels_where_they_are_known() -> None:
    words = frame("cat", "cow", None, name="label")
    assert label_problems(words, ["label"], ("cat", "dog")) == [
        "2 values of label are not labels (cat, dog), first 'cow' at i1"
    ]
    assert label_problems(words, ["label"], ()) == []
