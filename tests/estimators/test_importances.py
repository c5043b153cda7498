"""Permutation importances of held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from comp.data.columns.cells import Row
from comp.estimators.importances import (
    Importance,
    ShuffledRows,
    mean_importances,
    permutation_importances,
)

ROWS: list[dict[str, Any]] = [{"a": float(i), "b": float(i % 7), "c": "x"} for i in range(100)]
TRUTH = np.array([[2 * row["a"] + row["b"]] for row in ROWS])


def predict(rows: Sequence[Row]) -> np.ndarray:
    return np.array([[2 * float(r["a"] or 0) + float(r["b"] or 0)] for r in rows])


def worsening(predicted: np.ndarray, rows: np.ndarray) -> float:
    return float(np.abs(predicted - TRUTH[rows]).mean())


def test_what_the_model_uses_is_important() -> None:
    found = permutation_importances(["c", "b", "a"], ROWS, predict, worsening, seed=0)
    assert [importance.column for importance in found] == ["a", "b", "c"]
    assert found[0].mean > 10 > found[1].mean > 1
    assert (found[2].mean, found[2].std, found[2].repeats) == (0, 0, 3)
    assert found == permutation_importances(["c", "b", "a"], ROWS, predict, worsening, seed=0)


def test_shuffled_rows_have_the_cells_of_other_rows_in_one_column() -> None:
    rows = ShuffledRows(ROWS, "a", np.arange(99, -1, -1))
    assert len(rows) == len(list(rows)) == 100
    assert rows[3] == ROWS[3] | {"a": 96.0}
    assert rows[98:] == [rows[98], rows[99]]


def test_after_the_time_limit_columns_are_left_out() -> None:
    assert permutation_importances(["a"], ROWS, predict, worsening, seed=0, seconds=-1) == []


def test_many_rows_are_sampled_with_their_targets() -> None:
    rows = ROWS * 60
    seen: list[int] = []

    def error(predicted: np.ndarray, indices: np.ndarray) -> float:
        seen.append(len(predicted))
        return float(np.abs(predicted - TRUTH[indices % 100]).mean())

    (found,) = permutation_importances(["c"], rows, predict, error, seed=0, repeats=1)
    assert found.mean == 0
    assert set(seen) == {5000}


def test_the_mean_over_folds() -> None:
    folds = [[Importance("a", 1, 0, 3), Importance("b", 5, 0, 3)], [Importance("a", 3, 0, 2)]]
    assert mean_importances(folds) == [Importance("b", 5, 0, 3), Importance("a", 2, 1, 5)]
