"""Many plain numbers are read as Python reads each of them."""

from __future__ import annotations

import numpy as np
import pytest

from comp.data.columns.cells import read_number, read_numbers
from comp.data.columns.plain_numbers import MANY, plain_numbers, without_plain

TEXTS = ["7.", ".5", "+4", "1E+2", " 8 ", "1e400", "-1e120", "inf", "0x1", "1_0", "NA", None, "²"]
SIGNED = ["5%", "5 %", "%5", "$5", "-$5", "$-5", "$5$", "5$", "5", "$1,234", None]


@pytest.mark.parametrize("unit", ["", "%", "$"])
def test_numbers_are_those_of_each_cell(unit: str) -> None:
    cells = [*TEXTS, *SIGNED, *map(repr, np.random.default_rng(0).normal(size=MANY))]
    values, unreadable = read_numbers(cells, "thousands", unit)
    expected = [read_number(cell, "thousands", unit) for cell in cells]
    numbers = [np.nan if number is None else number for number in expected]
    np.testing.assert_array_equal(values, numbers)
    assert unreadable == [c for c, n in zip(cells, expected, strict=True) if n is None]


def test_only_other_texts_are_left() -> None:
    cells = [*map(str, range(MANY)), "a", None]
    values, rest = plain_numbers(cells)
    assert list(rest) == [MANY, MANY + 1]
    assert values[:MANY].tolist() == list(range(MANY))
    assert list(without_plain([*map(str, range(MANY)), "a", "1,5"])) == ["a", "1,5"]


def test_text_that_is_not_unicode_is_left() -> None:
    cells = ["\udc80", *map(str, range(MANY))]
    assert len(plain_numbers(cells)[1]) == MANY + 1
