"""Folds by their numbers: what a user may write, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from comp.errors import ConfigError, FoldError
from comp.pipeline.fold_numbers import check_fold_numbers, fold_numbers, more_folds


@pytest.mark.parametrize(
    ("fold", "numbers"),
    [
        (None, []),
        (0, [0]),
        (np.int64(0), [0]),
        ([2, 0], [2, 0]),
        ((np.int32(1),), [1]),
        (np.array([0]), [0]),
        (range(2), [0, 1]),
    ],
)
def test_folds_may_be_any_whole_numbers(fold: object, numbers: list[int]) -> None:
    found = fold_numbers(fold)  # type: ignore[arg-type]
    assert found == numbers
    assert [type(number) for number in found] == [int] * len(numbers)


@pytest.mark.parametrize("fold", [[], (), 0.0, "0", [0.0], ["0"], True, False, np.array([])])
def test_what_is_no_fold_never_means_all_of_them(fold: object) -> None:
    with pytest.raises(ConfigError, match="give the number of a fold, a list of them, or None"):
        fold_numbers(fold)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "found"),
    [(None, None), ("rest", "rest"), ("3, 4,3", [3, 4]), (2, [2]), (np.array([4, 1]), [1, 4])],
)
def test_folds_are_named_in_many_ways(given: Any, found: Any) -> None:
    assert more_folds(given) == found


@pytest.mark.parametrize("given", ["", "all", "1,", "-1", "1.5", []])
def test_folds_that_are_no_numbers_are_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"give (rest, or numbers|the number of a fold)"):
        more_folds(given)


def test_a_fold_that_does_not_exist_is_refused() -> None:
    check_fold_numbers([0, 4], 5)
    for number in (5, -1):
        with pytest.raises(FoldError, match=f"no fold {number}: with folds = 5 they are 0 to 4"):
            check_fold_numbers([0, number], 5)
