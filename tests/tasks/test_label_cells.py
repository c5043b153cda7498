"""Label cells of a CSV, which become targets or a clear problem."""

from __future__ import annotations

from typing import Any

import pytest

from comp.contract.task import Task
from comp.tasks.binary import binary
from comp.tasks.label_cells import LabelCells, form_of, looks_like_number
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression

NAMES = ("cat", "dog", "owl")


def cells_of(task: Task, *columns: str, **fields: Any) -> LabelCells:
    return LabelCells(task=task, columns=columns, **fields)


@pytest.mark.parametrize(
    ("task", "form"),
    [
        (binary(("a", "b")), "class"),
        (multiclass(NAMES), "class"),
        (ordinal(3), "class"),
        (multilabel(NAMES), "labels"),
        (regression(), "numbers"),
        (regression(("x", "y"), log=True), "numbers"),
    ],
)
def test_the_form_follows_from_the_task(task: Task, form: str) -> None:
    assert form_of(task) == form


@pytest.mark.parametrize(
    ("classes", "label", "target"),
    [
        (NAMES, "owl", 2),
        (NAMES, "2", 2),
        (NAMES, "3", None),
        (NAMES, "-1", None),
        (NAMES, "1.0", 1),
        (NAMES, " 1 ", 1),
        (NAMES, "1.5", None),
        (NAMES, "0_1", None),
        (NAMES, " owl ", 2),
        (NAMES, "True", None),
        (NAMES, "", None),
        (NAMES, None, None),
        (NAMES, "Cat", None),
        (("1", "2", "3"), "1", 0),
        (("1", "2", "3"), "0", None),
        (("1", "2", "3"), "2.0", 1),
        (("1", "2", "3"), "02", 1),
        (("01", "1", "2"), "1", 1),
        (("01", "1", "2"), "1.0", None),
        ((" owl", "owl", "cat"), "owl", 1),
        (("1st", "2nd", "other"), "0", None),
        (("nan", "inf", "none"), "1", 1),
    ],
)
def test_a_label_is_an_index_only_if_no_class_looks_like_a_number(
    classes: tuple[str, ...], label: str | None, target: float | None
) -> None:
    assert cells_of(multiclass(classes), "label").target([label]) == target


@pytest.mark.parametrize(
    ("column", "target"),
    [("is_no", None), ("has No", None), ("is_yes", 1), ("yes_or_no", 1), ("diagnosis", 1)],
)
def test_1_in_a_column_of_the_first_class_is_not_the_second(column: str, target: Any) -> None:
    cells = cells_of(binary(("no", "yes")), column)
    assert cells.target(["1"]) == target
    assert cells.target(["yes"]) == 1


@pytest.mark.parametrize(
    ("classes", "column", "true", "false"),
    [
        (("no", "yes"), "bought", 1, 0),
        (("Yes", "No"), "bought", 0, 1),
        (("0", "1"), "target", 1, 0),
        (("1", "0"), "target", 0, 1),
        (("cat", "dog"), "animal", 1, 0),
        (("no", "yes"), "is_no", None, None),
        (("no", "yes"), "no", None, None),
        (("no", "unsure"), "bought", None, None),
        (("1", "2"), "target", None, None),
    ],
)
def test_true_and_false_are_the_classes_of_the_same_meaning(
    classes: tuple[str, ...], column: str, true: Any, false: Any
) -> None:
    cells = cells_of(binary(classes), column)
    assert [cells.target([cell]) for cell in ("True", "false", "FALSE")] == [true, false, false]


def test_what_looks_like_a_number() -> None:
    numbers = ["1", "-2.5", ".5", " 7", "+3", "1e5", "007", "1st"]
    assert [looks_like_number(name) for name in numbers] == [True] * len(numbers)
    words = ["a1", "", "nan", "inf", "-", ".", "x.5"]
    assert [looks_like_number(name) for name in words] == [False] * len(words)


@pytest.mark.parametrize(
    ("cell", "target", "problem"),
    [
        ("cat|owl", (1, 0, 1), ""),
        ("owl | cat", (1, 0, 1), ""),
        ("cat|cat|", (1, 0, 0), ""),
        ("cat|cow", None, "the label 'cow', which is not one of the 3 labels (cat, dog, owl)"),
        ("cat owl", None, "the label 'cat owl', which is not"),
        ("", None, "the label '', which is not"),
        (None, None, "the label '', which is not"),
        ("0|1", None, "the label '0', which is not"),
    ],
)
def test_names_of_several_labels(cell: str | None, target: Any, problem: str) -> None:
    cells = cells_of(multilabel(NAMES), "label", separator="|")
    assert cells.target([cell]) == target
    if problem:
        assert problem in cells.problem([cell])


def test_a_blank_cell_is_no_label_only_if_the_plugin_allows_it() -> None:
    cells = cells_of(multilabel(NAMES), "label", separator=" ", allow_blank=True)
    assert [cells.target([cell]) for cell in ("", None, "dog")] == [(0, 0, 0), (0, 0, 0), (0, 1, 0)]


@pytest.mark.parametrize(
    ("row", "target", "problem"),
    [
        (["1", "0", "1"], (1, 0, 1), ""),
        (["0.0", "1.0", "0"], (0, 1, 0), ""),
        (["1", "2", "0"], None, "the dog '2', which is not 0 or 1"),
        (["1", "", "0"], None, "the dog '', which is not 0 or 1 (a missing value?)"),
        (["yes", "0", "False"], (1, 0, 0), ""),
        (["maybe", "0", "0"], None, "the cat 'maybe', which is not 0 or 1"),
    ],
)
def test_columns_of_several_labels(row: list[str], target: Any, problem: str) -> None:
    cells = cells_of(multilabel(NAMES), *NAMES)
    assert cells.target(row) == target
    if problem:
        assert cells.problem(row) == problem


@pytest.mark.parametrize("row", [["1", "0", "1"], ["0", "0", "0"]])
def test_one_column_per_class_needs_exactly_one_1(row: list[str]) -> None:
    cells = cells_of(multiclass(NAMES), *NAMES)
    assert cells.target(["0", "1", "0"]) == 1.0
    assert cells.target(row) is None
    assert cells.problem(row).startswith("not exactly one 1 in the columns of the 3 classes")


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("nan", "the age 'nan', which is not a number"),
        ("inf", "the age 'inf', which is not a number"),
        ("1,5", "the age '1,5', which is not a number"),
        ("", "the age '', which is not a number"),
        ("-1", "the age -1, which is negative"),
    ],
)
def test_numbers(cell: str, problem: str) -> None:
    cells = cells_of(regression(log=True), "age")
    assert cells.target(["2.5"]) == 2.5
    assert cells.target([cell]) is None
    assert cells.problem([cell]).startswith(problem)


def test_cells_as_text() -> None:
    cells = cells_of(regression(("x", "y")), "x", "y")
    assert cells.text(["1", None]) == "1"
    assert cells.text([None, ""]) is None
