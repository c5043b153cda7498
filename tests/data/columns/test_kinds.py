"""The kind of each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from comp.config.columns import ColumnsConfig
from comp.data.columns.kinds import Column, find_kinds, kind_notes
from comp.errors import ConfigError, DataError


def kind(cells: Sequence[Any], **config: Any) -> Column:
    (column,) = find_kinds([{"a": cell} for cell in cells], ColumnsConfig(**config))
    return column


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2", "3"], "number"),
        ([0, 1, 1], "number"),
        ([True, False], "number"),
        (["true", "False", ""], "number"),
        (["1", "?", "-", "NA"], "number"),
        (["a", "b", "a"], "category"),
        (["0", "1", "2", "3+"], "category"),
        (["2024-05-31", "2024-06-01"], "date"),
        (["a", "a"], "constant"),
        ([None, "", float("nan")], "constant"),
        ([5.0, 5], "constant"),
        (["a", None], "category"),
        ([f"name {i}" for i in range(200)], "dropped"),
        ([f"name {i % 150}" for i in range(400)], "category"),
    ],
)
def test_kinds_are_found(cells: Sequence[Any], expected: str) -> None:
    assert kind(cells).kind == expected


def test_the_user_has_the_last_word() -> None:
    assert kind(["1", "2"], categories=["a"]).kind == "category"
    assert kind(["1", "2"], drop=["a"]).kind == "dropped"
    assert kind(["20240531", "20240601"], dates=["a"]).kind == "date"
    assert kind(["1", "2", "x"], numbers=["a"]).kind == "number"
    many = kind([f"name {i}" for i in range(200)], categories=["a"])
    assert (many.kind, many.form) == ("category", "many")


@pytest.mark.parametrize(
    ("cells", "config", "message"),
    [
        (["1,234", "2,345"], {}, "column 'a' has cells such as '1,234', whose comma"),
        (["03/04/2024", "05/06/2024"], {}, "set columns.day_first"),
        ([*map(str, range(200)), "x"], {}, "column 'a' has numbers and 1 cells such as 'x'"),
        (["x", "y", "1"], {"numbers": ["a"]}, "2 of its 3 cells are not numbers, such as 'x'"),
        (["x", "y"], {"dates": ["a"]}, "are not dates of one form"),
    ],
)
def test_what_is_not_clear_is_refused(
    cells: Sequence[Any], config: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        kind(cells, **config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"drop": ["aa"]}, "columns.drop has 'aa', which is not a column: did you mean 'a'"),
        ({"log": ["a"]}, "columns.log has 'a', which is a category"),
        ({"drop": ["a"], "dates": ["a"]}, "column 'a' is in two of"),
        ({"places": ["a"]}, "name two"),
        ({"pairs": ["a"]}, "name two or more"),
    ],
)
def test_faults_of_the_configuration_are_told(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        kind(["x", "y"], **config)


def test_rows_of_different_columns_are_refused() -> None:
    with pytest.raises(DataError, match="row 2 and the first row differ in the column 'b'"):
        find_kinds([{"a": 1}, {"a": 1, "b": 2}], ColumnsConfig())
    with pytest.raises(DataError, match="no training rows"):
        find_kinds([], ColumnsConfig())


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["12.5%", "3 %", None], "plain %"),
        (["$80", "-$7.5", "$1,234.5"], "thousands $"),
        (["5 €", "7,50 €"], None),  # a decimal comma is not certain
    ],
)
def test_numbers_with_a_sign_are_numbers(cells: Sequence[Any], form: str | None) -> None:
    if form is None:
        with pytest.raises(DataError, match=r"name it in columns\.numbers if they begin decimals"):
            kind(cells)
        assert kind(cells, numbers=["a"]).form == "comma €"
    else:
        assert (kind(cells).kind, kind(cells).form) == ("number", form)


@pytest.mark.parametrize("cells", [["12%", "0.2"], ["$5", "5 €"], ["1.200 €", "950 €"]])
def test_numbers_of_two_scales_are_no_numbers(cells: Sequence[Any]) -> None:
    assert kind(cells).kind == "category"


ISO = [f"2024-01-{day:02}" for day in range(1, 29)]


def test_training_cells_that_cannot_be_read_are_told_and_many_are_refused() -> None:
    """Dates of a second form were gaps in silence, and so were words among named numbers."""
    dates = kind([*ISO, "31/01/2024", "31/01/2024", None, "NA"], dates=["a"])
    assert (dates.kind, dates.form) == ("date", "ISO8601")
    assert dates.note == (
        "2 of its 30 training cells are not dates of the form of '2024-01-01', such as "
        "'31/01/2024': they count as gaps"
    )
    numbers = kind(["1", "2", "x", "x", "3", "?"], numbers=["a"])
    assert numbers.note == (
        "2 of its 5 training cells are not numbers, such as 'x': they count as gaps"
    )
    assert kind_notes([dates, numbers]) == [f"column 'a': {c.note}" for c in (dates, numbers)]
    lost = kind([*(str(10**18 + i) for i in range(9)), "x"], numbers=["a"])
    assert "digits become equal" in lost.note
    assert "; 1 of its 10 training cells are not numbers" in lost.note


@pytest.mark.parametrize(
    ("cells", "key", "message"),
    [
        # few different texts, but most cells
        ([*ISO, *["31/01/2024"] * 40], "dates", "40 of its 68 cells are not dates of the form of"),
        (["true", "TRUE", "1"], "numbers", "2 of its 3 cells are not numbers, such as 'TRUE'"),
        (["1", "a,b", "a,b"], "numbers", "2 of its 3 cells are not numbers, such as 'a,b'"),
    ],
)
def test_a_named_column_of_which_most_cells_cannot_be_read_is_refused(
    cells: Sequence[Any], key: str, message: str
) -> None:
    with pytest.raises(DataError, match=f"columns.{key} has 'a', but {message}"):
        kind(cells, **{key: ["a"]})


@pytest.mark.parametrize(
    ("cells", "key"),
    [
        (ISO, "dates"),
        ([20240531, "20240601", None], "dates"),
        (["true", "false", ""], "numbers"),
        (["1", "2.5", "NA"], "numbers"),
    ],
)
def test_a_named_column_that_can_be_read_has_no_note(cells: Sequence[Any], key: str) -> None:
    assert kind(cells, **{key: ["a"]}).note == ""


def test_text_that_no_model_gets_and_digits_that_are_lost_are_told() -> None:
    rows = [{"a": f"name {i}", "b": str(10**18 + i), "c": str(i)} for i in range(200)]
    first, second = kind_notes(find_kinds(rows, ColumnsConfig()))
    assert first.startswith("column 'a': 200 texts in 200 rows")
    assert "no model gets it" in first
    assert second.startswith("column 'b': different numbers of more than 15 digits become equal")
    assert kind_notes(find_kinds(rows, ColumnsConfig(drop=["a", "b"]))) == []
