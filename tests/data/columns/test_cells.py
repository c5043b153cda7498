"""Cells as numbers and as labels of categories."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from comp.data.columns.cells import is_gap, label, meaning, number_form, read_numbers


@pytest.mark.parametrize("cell", [None, float("nan"), "", " ", "NA", "n/a", "nan", "NULL", "None"])
def test_gaps_have_many_spellings(cell: Any) -> None:
    assert is_gap(cell)


@pytest.mark.parametrize("cell", [0, 0.0, "0", "no", "x", False])
def test_zero_and_no_are_not_gaps(cell: Any) -> None:
    assert not is_gap(cell)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [(1, "1"), (1.0, "1"), ("1.0", "1"), ("1", "1"), ("01", "01"), (2.5, "2.5"), (" a ", "a")],
)
def test_a_whole_number_is_one_category_however_it_is_written(cell: Any, expected: str) -> None:
    assert label(cell) == expected


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["1", "-2.5", ".5", "1e-3", "+3."], "plain"),
        (["True", "false"], "boolean"),
        (["1,234.5", "12"], "thousands"),
        (["1,234,567"], "thousands"),
        (["1,234", "5.5"], "thousands"),
        (["1,234", "999"], "unclear"),
        (["1,5", "2"], "unclear"),
        (["1_000"], None),
        (["1.2.3"], None),
        (["0x1f"], None),
        (["\u0661\u0662"], None),
    ],
)
def test_what_text_means_as_a_number(texts: list[str], form: str | None) -> None:
    assert number_form(texts, forced=False) == form


def test_the_user_can_say_that_commas_begin_decimals_but_not_where_it_stays_unclear() -> None:
    assert number_form(["1,5", "2,25", "x"], forced=True) == "comma"
    assert number_form(["1,234", "2,345"], forced=True) == "unclear"


def test_cells_that_are_not_numbers_are_gaps_and_are_returned() -> None:
    numbers, unreadable = read_numbers(["1", "NA", "abc", None, 2.0, "inf", "1e308"], "plain")
    np.testing.assert_array_equal(numbers, [1, math.nan, math.nan, math.nan, 2, math.nan, math.nan])
    assert unreadable == ["abc"]


def test_each_form_is_read_as_it_is_meant() -> None:
    assert read_numbers(["1,234.5", "7"], "thousands")[0].tolist() == [1234.5, 7]
    assert read_numbers(["1,5", "7"], "comma")[0].tolist() == [1.5, 7]
    assert read_numbers(["TRUE", "False"], "boolean")[0].tolist() == [1, 0]
    assert read_numbers([1, True, None], "plain")[0][:2].tolist() == [1, 1]


def test_cells_that_mean_the_same_are_equal() -> None:
    assert {meaning(cell) for cell in ("1", " 1.0", 1.0, "1e0", "+1")} == {"1.0"}
    assert {meaning(cell) for cell in (None, "", math.nan, " NA", "?", "nan")} == {""}
    assert {meaning(cell) for cell in ("a", " a ")} == {"a"}
    assert {meaning(cell) for cell in (0.0, -0.0, "0")} == {"0.0"}
    assert meaning("A") != meaning("a")
    for first, second in (("12e456789", "34e567890"), ("1_0", "10"), ("9" * 17, "9" * 16 + "8")):
        assert meaning(first) != meaning(second)
