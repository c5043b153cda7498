"""The text of a label cell."""

from __future__ import annotations

import pytest

from comp.tasks.cell_values import (
    flag_of,
    hint_about,
    index_of_name,
    near_name,
    number_of,
    reversed_flags,
)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1", 1),
        (" 1.50 ", 1.5),
        ("1e3", 1000),
        ("1_0", None),
        ("nan", None),
        ("inf", None),
        ("0,5", None),
        ("", None),
        (None, None),
        ("x", None),
    ],
)
def test_a_number_is_finite_and_written_as_one(cell: str | None, number: float | None) -> None:
    assert number_of(cell) == number


@pytest.mark.parametrize(
    ("cell", "flag"),
    [
        ("1", 1),
        ("0.0", 0),
        ("True", 1),
        ("FALSE", 0),
        (" yes", 1),
        ("no", 0),
        ("2", None),
        ("", None),
        ("maybe", None),
    ],
)
def test_a_flag_is_0_or_1_or_a_word_for_them(cell: str, flag: float | None) -> None:
    assert flag_of(cell) == flag


@pytest.mark.parametrize(
    ("cell", "names", "index"),
    [
        ("b", ("a", "b"), 1),
        (" b ", ("a", "b"), 1),
        ("1.0", ("2", "1"), 1),
        ("1.0", ("1", "01"), None),
        ("Yes", ("no", "yes"), 1),
        ("B", ("a", "b"), None),
        ("", ("a", "b"), None),
    ],
)
def test_the_name_in_a_cell(cell: str, names: tuple[str, ...], index: int | None) -> None:
    assert index_of_name(cell, names) == index


def test_yes_is_not_the_index_of_no() -> None:
    """True was the index 1, and so the class "no"."""
    assert reversed_flags(("yes", "no"))
    assert reversed_flags(("True", "b"))
    assert not reversed_flags(("no", "yes"))
    assert not reversed_flags(("yes", "no", "maybe"))


def test_hints() -> None:
    assert hint_about("NaN") == hint_about(None) == " (a missing value?)"
    assert hint_about("0,5") == " (a decimal comma?)"
    assert hint_about("cow") == ""
    assert near_name("Rust ", ("healthy", "rust")) == "rust"
    assert near_name("cow", ("cat", "owl")) == ""
