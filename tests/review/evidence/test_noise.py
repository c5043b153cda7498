"""Intervals of means and ratios, by groups."""

from __future__ import annotations

import numpy as np
import pytest

from comp.review.evidence.noise import group_sums, mean_interval, ratio_interval


def test_the_interval_of_independent_samples_is_the_usual_one() -> None:
    values = np.random.default_rng(0).normal(2.0, 1.0, 400)
    found = mean_interval(values, [str(i) for i in range(400)])
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def test_samples_of_one_group_count_as_one() -> None:
    values = np.repeat(np.random.default_rng(0).normal(2.0, 1.0, 100), 4)
    alone = mean_interval(values, [str(i) for i in range(400)])
    grouped = mean_interval(values, [str(i // 4) for i in range(400)])
    assert (grouped.high - grouped.low) / (alone.high - alone.low) == pytest.approx(2, rel=0.15)


def test_the_ratio_of_sums() -> None:
    found = ratio_interval(np.array([1.0, 2.0]), np.array([2.0, 4.0]), ["a", "b"])
    assert (found.low, found.value, found.high) == (0.5, 0.5, 0.5)


def test_sums_of_groups() -> None:
    assert group_sums(np.array([1.0, 2.0, 4.0]), ["a", "b", "a"]).tolist() == [5.0, 2.0]
