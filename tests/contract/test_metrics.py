"""Metrics, and where a score stands among the medals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from comp.contract.metrics import ACCURACY, AUC, LOG_LOSS, Metric, accuracy, auc, log_loss, rmse

NAN = float("nan")


def metric(direction: str, **medals: float) -> Metric:
    return Metric(name="m", score=rmse, direction=direction, medals=medals)  # type: ignore[arg-type]


def pairs(targets: list[int], chances: list[float] | list[list[float]]):
    """As out-of-fold predictions come: float32 arrays of one label and of 1 or K probabilities."""
    return [
        (np.float32([target]), np.atleast_1d(np.float32(chance)))
        for target, chance in zip(targets, chances, strict=True)
    ]


TWO = pairs([0, 0, 0, 1, 1], [0.1, 0.5, 0.7, 0.7, 0.9])
THREE = pairs(
    [0, 0, 1, 2],
    [[0.6, 0.3, 0.1], [0.1, 0.7, 0.2], [0.2, 0.5, 0.3], [0.5, 0.25, 0.25]],
)


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
def test_nearest_medals(direction: str, medals: dict[str, float], score: float, words: str):
    assert metric(direction, **medals).nearest_medals(score) == words


def test_nearest_medals_do_not_depend_on_the_order_of_the_medals():
    turned = dict(reversed(MIN.items()))

    assert metric("min", **turned).nearest_medals(0.03) == metric("min", **MIN).nearest_medals(0.03)


def test_auc_counts_ordered_pairs_and_half_of_the_ties():
    assert auc(TWO) == pytest.approx((3 + 2.5) / 6)
    assert auc(iter(TWO[::-1])) == auc(TWO)


def test_auc_of_three_classes_is_the_mean_of_each_against_the_rest():
    first, second, third = 2 / (2 * 2), 2 / 3, 2 / 3
    assert auc(THREE) == pytest.approx((first + second + third) / 3)


def test_auc_of_a_class_that_is_not_there_is_left_out():
    assert auc(THREE[:3]) == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_accuracy_decides_for_class_one_from_a_half_on():
    assert accuracy(TWO) == pytest.approx(3 / 5)


def test_accuracy_of_three_classes_takes_the_most_probable():
    assert accuracy(THREE) == pytest.approx(2 / 4)


def test_log_loss_by_hand():
    right = [0.9, 0.5, 0.3, 0.7, 0.9]
    assert log_loss(TWO) == pytest.approx(-sum(map(math.log, right)) / 5, rel=1e-6)
    right = [0.6, 0.1, 0.5, 0.25]
    assert log_loss(THREE) == pytest.approx(-sum(map(math.log, right)) / 4, rel=1e-6)


def test_log_loss_knows_every_class_where_one_is_not_there():
    assert log_loss(TWO[:1]) == pytest.approx(-math.log(0.9), rel=1e-6)
    assert log_loss(THREE[:1]) == pytest.approx(-math.log(0.6), rel=1e-6)


@pytest.mark.parametrize("score", [auc, accuracy, log_loss])
@pytest.mark.parametrize("bad", [[], pairs([0, 1], [0.5, NAN])], ids=["nothing", "nan"])
def test_a_score_that_does_not_exist_is_nan(score, bad):
    assert math.isnan(score(bad))


def test_auc_of_one_class_is_nan():
    assert math.isnan(auc(TWO[3:]))
    assert math.isnan(auc(THREE[:2]))


def test_the_ready_metrics_know_their_direction():
    assert AUC.better(0.9, 0.8)
    assert ACCURACY.better(0.9, 0.8)
    assert LOG_LOSS.better(0.8, 0.9)
    assert [m.score(TWO) for m in (AUC, ACCURACY, LOG_LOSS)] == [
        auc(TWO), accuracy(TWO), log_loss(TWO)
    ]  # fmt: skip
