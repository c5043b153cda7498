"""Points of scatter charts."""

from __future__ import annotations

import numpy as np
import pytest

from comp.review.figures.scatter import (
    POINTS,
    decimals_of,
    jittered,
    scatter_rows,
    spans_decades,
)


def test_of_many_samples_the_same_few_are_drawn() -> None:
    assert len(scatter_rows(10_000)) == POINTS
    assert np.array_equal(scatter_rows(10_000), scatter_rows(10_000))
    assert scatter_rows(7).tolist() == list(range(7))


def test_moved_grades_stay_nearest_to_their_own() -> None:
    grades = np.repeat(np.arange(5.0), 100)
    assert np.array_equal(jittered(grades).round(), grades)
    assert len(np.unique(jittered(grades))) > 200


@pytest.mark.parametrize(
    ("values", "log"),
    [(10.0 ** np.linspace(0, 4, 50), True), (np.linspace(1, 9, 50), False), (np.zeros(0), False),
     (np.array([0.0, 1, 1e6]), False)],
)  # fmt: skip
def test_positive_numbers_over_decades_want_a_logarithmic_axis(
    values: np.ndarray, log: bool
) -> None:
    assert spans_decades(values) == log


def test_large_numbers_have_few_decimals() -> None:
    assert [decimals_of(v) for v in (50_000.0, 3.2, 0.02, 0.0, float("nan"))] == [0, 4, 6, 4, 4]
