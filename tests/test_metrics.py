"""Metrics, and where a score stands among the medals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from comp.metrics import Metric, rmse

NAN = float("nan")


def metric(direction: str, **medals: float) -> Metric:
    return Metric(name="m", score=rmse, direction=direction, medals=medals)  # type: ignore[arg-type]


def test_rmse_of_one_pair_by_hand():
    pair = (np.array([0.0, 1.0, 2.0]), np.array([0.0, 3.0, 5.0]))

    assert rmse([pair]) == pytest.approx(math.sqrt((0 + 4 + 9) / 3), abs=1e-15)


def test_rmse_weighs_pixels_and_not_pairs():
    small = (np.zeros((1, 2, 1)), np.array([[[3.0], [4.0]]]))
    large = (np.ones((2, 3, 1)), np.ones((2, 3, 1)) * 2)

    assert rmse([small, large]) == pytest.approx(math.sqrt((9 + 16 + 6 * 1) / 8), abs=1e-15)


def test_rmse_takes_a_generator_and_does_not_mind_order_or_sides():
    first = (np.array([0.25]), np.array([1.0]))
    second = (np.array([0.0, 0.5]), np.array([0.5, 0.5]))
    swapped = [(b, a) for a, b in (second, first)]

    assert rmse(pair for pair in (first, second)) == rmse(swapped)
    assert rmse([first, second]) == pytest.approx(math.sqrt((0.5625 + 0.25) / 3), abs=1e-15)


def test_rmse_of_bytes_does_not_wrap_around():
    assert rmse([(np.array([250], np.uint8), np.array([5], np.uint8))]) == 245.0


def test_rmse_sums_in_double_precision():
    target = np.zeros(3_000_000, np.float32)

    assert rmse([(target, np.full_like(target, 0.1))]) == pytest.approx(
        float(np.float32(0.1)), rel=1e-12
    )


def test_rmse_of_nothing_is_nan():
    assert math.isnan(rmse([]))
    assert math.isnan(rmse([(np.zeros(0), np.zeros(0))]))


def test_rmse_keeps_nan():
    assert math.isnan(rmse([(np.zeros(2), np.array([0.0, NAN]))]))


@pytest.mark.parametrize(
    ("direction", "new", "old", "expected"),
    [
        ("min", 0.1, 0.2, True),
        ("min", 0.2, 0.1, False),
        ("max", 0.1, 0.2, False),
        ("max", 0.2, 0.1, True),
        ("min", 0.1, 0.1, False),
        ("max", 0.1, 0.1, False),
        ("min", 5.0, None, True),
        ("max", -5.0, None, True),
        ("min", NAN, None, False),
        ("max", NAN, None, False),
        ("min", NAN, 0.1, False),
        ("max", NAN, 0.1, False),
        ("min", -0.1, 0.0, True),
    ],
)
def test_better(direction: str, new: float, old: float | None, expected: bool):
    assert metric(direction).better(new, old) is expected


MIN = {"gold": 0.01, "silver": 0.02, "bronze": 0.04}
MAX = {"gold": 0.9, "silver": 0.8, "bronze": 0.6}


@pytest.mark.parametrize(
    ("direction", "medals", "score", "words"),
    [
        ("min", MIN, 0.005, "beats gold (0.01000)"),
        ("min", MIN, 0.015, "beats silver (0.02000), next is gold (0.01000)"),
        ("min", MIN, 0.03, "beats bronze (0.04000), next is silver (0.02000)"),
        ("min", MIN, 0.05, "next is bronze (0.04000)"),
        ("min", MIN, 0.02, "beats bronze (0.04000), next is silver (0.02000)"),
        ("min", MIN, NAN, "next is bronze (0.04000)"),
        ("max", MAX, 0.95, "beats gold (0.90000)"),
        ("max", MAX, 0.85, "beats silver (0.80000), next is gold (0.90000)"),
        ("max", MAX, 0.7, "beats bronze (0.60000), next is silver (0.80000)"),
        ("max", MAX, 0.5, "next is bronze (0.60000)"),
        ("max", MAX, 0.6, "next is bronze (0.60000)"),
        ("max", MAX, NAN, "next is bronze (0.60000)"),
        ("min", {}, 0.1, ""),
    ],
)
def test_standing(direction: str, medals: dict[str, float], score: float, words: str):
    assert metric(direction, **medals).standing(score) == words


def test_standing_does_not_depend_on_the_order_of_the_medals():
    turned = dict(reversed(MIN.items()))

    assert metric("min", **turned).standing(0.03) == metric("min", **MIN).standing(0.03)
