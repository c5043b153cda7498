"""Measures of weighted samples, compared with scikit-learn and with values by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, recall_score, roc_auc_score

from comp.inference.measures import (
    calibration_error,
    confusion,
    f1,
    finite_mean,
    group_draws,
    recall,
    weighted_auc,
)


@pytest.mark.parametrize("seed", range(5))
def test_the_weighted_auc_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random(200) < 0.3
    scores = np.round(rng.normal(size=200) + truth, 1)  # with many ties
    weights = rng.integers(0, 4, 200).astype(np.float64)
    ranks = np.unique(scores, return_inverse=True)[1]
    expected = roc_auc_score(truth, scores, sample_weight=weights)
    assert weighted_auc(truth, ranks, weights) == pytest.approx(expected, abs=1e-12)


def test_the_auc_of_one_side_is_nan() -> None:
    truth, ranks = np.array([True, False, True]), np.array([2, 1, 0])
    assert weighted_auc(truth, ranks, np.array([1.0, 2.0, 0.0])) == 1.0
    assert math.isnan(weighted_auc(truth, ranks, np.array([1.0, 0.0, 1.0])))


def test_the_calibration_error_by_hand() -> None:
    hits = np.array([1, 0, 1, 1])
    said = np.array([0.61, 0.65, 0.2, 1.0])  # bins 10, 10, 3 and 15
    expected = (abs(1 - 1.26) + 0.8 + 0) / 4
    assert calibration_error(hits, said, np.ones(4)) == pytest.approx(expected)
    weights = np.array([2.0, 0.0, 1.0, 1.0])
    assert calibration_error(hits, said, weights) == pytest.approx((2 * 0.39 + 0.8) / 4)


def test_gaps_of_one_bin_may_cancel_and_gaps_of_two_may_not() -> None:
    half = np.full(4, 0.5)
    assert calibration_error(np.array([1, 0, 1, 0]), half, np.ones(4)) == 0
    said = np.array([0.1, 0.9])
    assert calibration_error(np.array([1, 0]), said, np.ones(2)) == pytest.approx(0.9)
    assert calibration_error(np.array([0, 1]), said, np.ones(2)) == pytest.approx(0.1)


def test_zero_and_one_have_bins() -> None:
    assert calibration_error(np.array([0, 1]), np.array([0.0, 1.0]), np.ones(2)) == 0


def test_confusion_recall_and_f1_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth, decision = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    weights = rng.integers(0, 3, 60).astype(np.float64)
    matrix = confusion(truth, decision, weights, 3)
    pair, each = (truth, decision), {"average": None, "sample_weight": weights}
    assert np.array_equal(matrix, confusion_matrix(*pair, sample_weight=weights))
    assert not np.array_equal(matrix, matrix.T)
    assert np.allclose(recall(matrix), recall_score(*pair, **each))
    assert np.allclose(f1(matrix), f1_score(*pair, **each))


def test_what_is_not_there_is_nan_and_left_out_of_a_mean() -> None:
    matrix = np.array([[3.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert np.array_equal(recall(matrix), [0.75, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(f1(matrix), [6 / 7, 0.0, np.nan], equal_nan=True)
    assert finite_mean(f1(matrix)) == pytest.approx(3 / 7)
    assert math.isnan(finite_mean(np.array([np.nan])))


def test_draws_take_whole_groups_and_as_many_as_there_are() -> None:
    groups = ["b", "a", "b", "c", "a", "b"]
    sizes = []
    for weights in group_draws(groups, 50, seed=1):
        by_group = {
            g: {w for w, name in zip(weights, groups, strict=True) if name == g} for g in "abc"
        }
        assert all(len(drawn) == 1 for drawn in by_group.values())
        assert sum(sum(drawn) for drawn in by_group.values()) == 3
        sizes.append(weights.sum())
    assert {3.0, 9.0} <= set(sizes)


def test_draws_follow_the_seed_and_not_the_order_of_the_samples() -> None:
    groups = ["b", "a", "c", "d", "a"]
    first = np.array(list(group_draws(groups, 20, seed=3)))
    turned = np.array(list(group_draws(groups[::-1], 20, seed=3)))
    assert np.array_equal(first, turned[:, ::-1])
    assert not np.array_equal(first, np.array(list(group_draws(groups, 20, seed=4))))
