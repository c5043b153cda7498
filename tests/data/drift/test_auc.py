"""The interval of an AUC."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from comp.data.drift.auc import auc_interval


def test_the_value_is_that_of_scikit_learn_with_ties() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(200) < 0.3
    scores = rng.integers(0, 12, 200) + 2.0 * positive
    found = auc_interval(scores, positive, np.arange(200))
    assert found.value == pytest.approx(roc_auc_score(positive, scores))
    assert found.low < found.value < found.high


def test_the_variance_is_that_of_delong_if_groups_have_one_sample() -> None:
    rng = np.random.default_rng(1)
    positive = np.arange(90) < 40
    scores = rng.normal(size=90) + positive
    more = scores[:40, None] > scores[None, 40:]  # the definition, pair by pair
    delong = more.mean(1).var(ddof=1) / 40 + more.mean(0).var(ddof=1) / 50
    from scipy.stats import t

    found = auc_interval(scores, positive, np.arange(90))
    width = t.ppf(0.975, 39) * np.sqrt(delong)
    assert (found.low, found.high) == pytest.approx((found.value - width, found.value + width))


def test_scores_of_a_cross_validation_have_a_wider_interval() -> None:
    rng = np.random.default_rng(1)
    scores, positive = rng.normal(size=90), np.arange(90) < 40
    plain = auc_interval(scores, positive, np.arange(90))
    five = auc_interval(scores, positive, np.arange(90), shared=1 / 4)
    assert five.high - five.value == pytest.approx(1.5 * (plain.high - plain.value))


def test_copies_in_a_group_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(2)
    positive = np.arange(60) < 30
    scores = rng.normal(size=60) + positive
    once = auc_interval(scores, positive, np.arange(60))
    copied = auc_interval(np.repeat(scores, 9), np.repeat(positive, 9), np.repeat(np.arange(60), 9))
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


def test_the_interval_covers_the_truth_of_grouped_samples() -> None:
    covered = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(60), 5)
        scores = rng.normal(size=60)[groups] + rng.normal(size=300)
        found = auc_interval(scores, groups < 30, groups)
        covered += found.low <= 0.5 <= found.high
    assert covered >= 275  # 285 are expected; without groups 210


def test_perfect_separation_is_not_certain() -> None:
    found = auc_interval(np.arange(60.0), np.arange(60) >= 30, np.arange(60))
    assert (found.value, found.low, found.high) == (1, 0.9, 1)
