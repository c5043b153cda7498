"""What label values are: classes, grades, labels or numbers."""

from __future__ import annotations

import numpy as np
import pytest

from comp.discovery.metric_hint import MetricHint, metric_hint
from comp.discovery.tables import Column
from comp.discovery.values import labels_of_column, labels_of_columns

NO_HINT = MetricHint()


def column(name: str, *cells: object, times: int = 4) -> Column:
    """A column in which each cell occurs several times."""
    return Column(name, [str(cell) for cell in cells] * times)


def task_of(found: Column, metric: str = "", sample: Column | None = None) -> str | None:
    """The task of a column, "" if it has none."""
    labels = labels_of_column(found, sample, metric_hint(metric) if metric else NO_HINT)
    return labels.task if labels else ""


@pytest.mark.parametrize(
    ("found", "task"),
    [
        (column("label", 0, 1), "binary(('0', '1'))"),
        (column("label", "1.0", "0.0"), "binary(('0', '1'))"),
        (column("label", "True", "False"), "binary(('False', 'True'))"),
        (column("state", "sick", "healthy"), "binary(('healthy', 'sick'))"),
        (column("state", "NORMAL", "COVID"), "binary(('NORMAL', 'COVID'))"),
        (column("label", 10, 9, 2), "multiclass(('2', '9', '10'))"),
        (column("x", "b", " a", "c "), "multiclass(('a', 'b', 'c'))"),
        (column("level", 0, 1, 2, 3), "ordinal(4)"),
        (column("stage", 1, 2, 3), "ordinal(('1', '2', '3'))"),
        (column("isup_grade", *range(6)), "ordinal(6)"),
        (column("age", *range(20, 60)), "regression(('age',))"),
        (column("score", 0.5, 1.25, 3), "regression(('score',))"),
        (column("x", "red fox", "grey wolf"), "binary(('grey wolf', 'red fox'))"),
        (column("x", "black cat", "white cat", "black dog", "white dog"),
         "multiclass(('black cat', 'black dog', 'white cat', 'white dog'))"),
        (column("tags", "a", "b", "a b", "c", "b c", "a c"), "multilabel(('a', 'b', 'c'))"),
        (column("x", 7), ""),
        (Column("x", [f"text {i}" for i in range(30)]), ""),
        (Column("x", [None, ""]), ""),
    ],
)  # fmt: skip
def test_the_task_follows_from_the_values(found: Column, task: str) -> None:
    assert task_of(found) == task


@pytest.mark.parametrize(
    ("metric", "task"),
    [
        ("QuadraticWeightedKappa", "ordinal(5)"),
        ("CategorizationAccuracy", "multiclass(('0', '1', '2', '3', '4'))"),
        ("RootMeanSquaredError", "regression(('diagnosis',))"),
    ],
)
def test_the_metric_decides_about_whole_numbers(metric: str, task: str) -> None:
    assert task_of(column("diagnosis", *range(5)), metric) == task
    guessed = labels_of_column(column("diagnosis", *range(5)), None, NO_HINT)
    assert guessed is not None
    assert guessed.finding is not None
    assert guessed.finding.certainty == "guess"


def test_decimals_in_the_sample_submission_mean_numbers() -> None:
    counts = column("Pawpularity", *range(1, 100, 7))
    assert task_of(counts, sample=column("Pawpularity", 38.5, 40.25)).startswith("regression")  # type: ignore[union-attr]
    assert task_of(counts, sample=column("Pawpularity", 38)).startswith("multiclass")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("said", "task"),
    [
        ("numbers", "regression(('x',))"),
        ("grades", "ordinal(('1', '2', '3'))"),
        ("classes", "multiclass(('1', '2', '3'))"),
    ],
)
def test_the_user_decides(said: str, task: str) -> None:
    labels = labels_of_column(column("x", 1, 2, 3), None, NO_HINT, said)
    assert labels is not None
    assert labels.task == task


def test_skewed_counts_are_learned_as_logarithms() -> None:
    values = np.exp(np.random.default_rng(0).normal(3, 2, 500)).round(1)
    assert task_of(column("sales", *values, times=1)) == "regression(('sales',), log=True)"
    prices = np.random.default_rng(0).normal(200_000, 50_000, 500).round(1)
    assert task_of(column("price", *prices, times=1)) == "regression(('price',))"


def test_several_columns() -> None:
    def found(*columns: Column) -> str | None:
        labels = labels_of_columns(columns)
        return labels.task if labels else None

    flags = [column("a", 1, 0, 0), column("b", 0, 1, 0), column("c", 0, 0, 1)]
    assert found(*flags) == "multiclass(('a', 'b', 'c'))"
    assert found(flags[0], column("b", 1, 1, 0)) == "multilabel(('a', 'b'))"
    assert found(column("x", 0.5, 1, 0), flags[0]) == (
        "regression(('x', 'a'), limits=(0.0, 1.0))"
    )  # fmt: skip
    assert found(flags[0], column("b", "x", "y", "z")) is None
