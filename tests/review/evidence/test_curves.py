"""Trends at the end of curves."""

from __future__ import annotations

import numpy as np
import pytest

from comp.review.evidence.curves import rises


@pytest.mark.parametrize(
    ("folds", "points", "expected"), [(1, 3, False), (1, 6, True), (2, 3, False), (3, 3, True)]
)
def test_a_perfect_order_is_a_trend_if_it_is_long_enough(
    folds: int, points: int, expected: bool
) -> None:
    rows = np.arange(points) + 10.0 * np.arange(folds)[:, None]
    assert rises(rows) == expected
    assert not rises(-rows)


def test_equal_values_are_no_trend() -> None:
    assert not rises(np.ones((3, 4)))


@pytest.mark.parametrize("shape", [(1, 8), (2, 4), (3, 3), (5, 3), (5, 5)])
def test_noise_rises_in_at_most_one_of_a_hundred(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    found = sum(rises(rng.normal(size=shape)) for _ in range(400))
    assert found <= 11  # 4 are expected; 11 or more have the probability 0.3 %
