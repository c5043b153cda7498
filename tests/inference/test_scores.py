"""Scores with their intervals, and the decision threshold."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from comp.contract.metric import Pair
from comp.errors import RunError
from comp.inference.draws import draws_for
from comp.inference.estimates import Estimate
from comp.inference.score_arrays import scoring_arrays
from comp.inference.scores import (
    binary_scores,
    choose_threshold,
    multiclass_scores,
)

TRUTH = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
CHANCE = np.array([0.1, 0.2, 0.3, 0.7, 0.2, 0.4, 0.6, 0.8, 0.9, 0.9])
ALONE = [str(i) for i in range(10)]


def drawn(n: int, seed: int, gap: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Targets, two thirds of class 1, and probabilities; the mean logits differ by `gap`."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.67).astype(np.int64)
    return truth, expit(rng.normal(size=n) + gap * (truth - 0.5))


def values(estimates: dict[str, Estimate]) -> dict[str, float]:
    return {name: estimate.value for name, estimate in estimates.items()}


def test_scores_of_two_classes_by_hand() -> None:
    found = binary_scores(TRUTH, CHANCE, ALONE, 0.6, draws=50)
    assert (found.n, found.n_groups, found.positives) == (10, 10, 6)
    assert found.confusion == ((3, 1), (2, 4))
    assert values(found.estimates) == {
        "auc": pytest.approx((1.5 + 3 + 3 + 4 + 4 + 4) / 24),
        "accuracy": 0.7,
        "sensitivity": pytest.approx(4 / 6),
        "specificity": 0.75,
        "f1": pytest.approx(8 / 11),
        "calibration_error": pytest.approx(
            (0.1 + 2 * abs(0.5 - 0.2) + 0.3 + 0.7 + 0.6 + 0.4 + 0.2 + 2 * 0.1) / 10
        ),
    }


def test_a_threshold_counts_as_reached() -> None:
    assert binary_scores(TRUTH, CHANCE, ALONE, 0.7, 9).confusion == ((3, 1), (3, 3))
    assert binary_scores(TRUTH, CHANCE, ALONE, 0.71, 9).confusion == ((4, 0), (3, 3))


def test_scores_do_not_depend_on_the_order_of_the_samples() -> None:
    truth, chance = drawn(60, 1)
    groups = [f"p{i // 3}" for i in range(60)]
    order = np.random.default_rng(0).permutation(60)
    one = binary_scores(truth, chance, groups, 0.5, 100)
    two = binary_scores(truth[order], chance[order], [groups[i] for i in order], 0.5, 100)
    assert one.confusion == two.confusion
    for name, estimate in one.estimates.items():
        other = two.estimates[name]
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
            (other.value, other.low, other.high), abs=1e-12
        )


def test_the_interval_is_that_of_the_binomial_where_samples_are_independent() -> None:
    truth, chance = drawn(2000, 2)
    estimate = binary_scores(truth, chance, [str(i) for i in range(2000)], 0.5, 500).estimates[
        "accuracy"
    ]
    half = 1.96 * (estimate.value * (1 - estimate.value) / 2000) ** 0.5
    assert estimate.high - estimate.value == pytest.approx(half, rel=0.2)
    assert estimate.value - estimate.low == pytest.approx(half, rel=0.2)


def test_the_interval_is_wider_where_the_samples_of_a_group_are_alike() -> None:
    truth, chance = drawn(60, 3)
    truth, chance = truth.repeat(9), chance.repeat(9)
    alone = binary_scores(truth, chance, [str(i) for i in range(540)], 0.5, 300)
    together = binary_scores(truth, chance, [str(i // 9) for i in range(540)], 0.5, 300)
    assert values(alone.estimates) == values(together.estimates)
    assert together.n_groups == 60
    for name in ("auc", "accuracy", "sensitivity", "specificity", "f1"):
        narrow, wide = alone.estimates[name], together.estimates[name]
        assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_interval_holds_the_value() -> None:
    for seed in range(5):
        truth, chance = drawn(150, seed)
        for estimate in binary_scores(truth, chance, ALONE * 15, 0.5, 200).estimates.values():
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_a_class_of_few_groups_has_no_interval() -> None:
    truth, chance = np.array([1] * 6 + [0] * 4), np.linspace(0.9, 0.1, 10)
    found = binary_scores(truth, chance, ALONE, 0.45, 200).estimates
    assert found["specificity"] == Estimate(1, None, None)
    assert found["auc"] == Estimate(1, None, None)
    assert found["sensitivity"].low is not None
    assert found["accuracy"].low is not None


def test_a_share_of_all_has_the_interval_of_a_binomial() -> None:
    truth = np.array([1] * 8 + [0] * 8)
    found = binary_scores(truth, truth * 0.9, [f"p{i // 2}" for i in range(16)], 0.5, 50).estimates
    assert found["accuracy"].low == pytest.approx(0.025 ** (1 / 8))  # 8 groups
    assert found["sensitivity"] == Estimate(1, None, None)  # 4 groups
    none = binary_scores(truth, 1 - truth, [str(i) for i in range(16)], 0.5, 50).estimates
    assert none["accuracy"] == Estimate(0, 0, pytest.approx(1 - 0.025 ** (1 / 16)))


def test_what_one_class_cannot_tell_is_left_out() -> None:
    found = binary_scores(np.ones(4), np.array([0.9, 0.8, 0.2, 0.4]), list("abcd"), 0.5, 100)
    assert set(found.estimates) == {"accuracy", "sensitivity", "f1", "calibration_error"}
    assert found.estimates["accuracy"].value == 0.5
    json.dumps(asdict(found), allow_nan=False)


def test_few_groups_have_no_interval() -> None:
    found = multiclass_scores(np.arange(3), np.eye(3), list("abc"), list("xyz"), draws=20, seed=1)
    assert found.estimates["accuracy"] == Estimate(1, None, None)


def test_classes_of_one_sample_leave_the_others_their_intervals() -> None:
    """60 classes, of which 20 have one sample: no draw contains all of them."""
    rng = np.random.default_rng(0)
    truth = np.concatenate([np.repeat(np.arange(40), 8), np.arange(40, 60)])
    known = (rng.random(340) < 0.9)[:, None]
    chances = 0.5 * rng.random((len(truth), 60)) + np.eye(60)[truth] * known
    names, groups = [f"c{k}" for k in range(60)], [str(i) for i in range(340)]
    found = multiclass_scores(truth, chances, groups, names, draws=100).estimates
    accuracy = found["accuracy"]
    assert accuracy.low is not None
    assert accuracy.value - 0.06 < accuracy.low < accuracy.value < 1
    assert found["sensitivity of c0"].low is not None
    assert found["sensitivity of c59"] in (Estimate(0, None, None), Estimate(1, None, None))
    whole = multiclass_scores(truth, np.eye(60)[truth], groups, names, draws=100).estimates
    assert whole["accuracy"] == Estimate(1, pytest.approx(0.025 ** (1 / 340)), 1)


def test_large_data_have_fewer_draws_and_say_so() -> None:
    assert draws_for(5000, 1) == draws_for(70_000, 1) == 1000
    assert draws_for(20_000, 100) == 454
    assert draws_for(50_000, 1000) == 200
    truth, chance = drawn(100, 1)
    assert binary_scores(truth, chance, ALONE * 10, 0.5).draws == 1000
    assert binary_scores(truth, chance, ALONE * 10, 0.5, 50).draws == 50


def test_five_thousand_samples_take_a_moment() -> None:
    truth, chance = drawn(5000, 4)
    began = time.process_time()
    binary_scores(truth, chance, [str(i // 2) for i in range(5000)], 0.5)
    assert time.process_time() - began < 10  # 0.4 s


def test_three_classes_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 90)
    raw = rng.random((90, 3)) + 0.6 * np.eye(3)[truth] * [[0.2, 1, 2]]
    chances = raw / raw.sum(1, keepdims=True)
    classes = ("cat", "dog", "owl")
    found = multiclass_scores(truth, chances, [str(i) for i in range(90)], classes, draws=60)
    decided = chances.argmax(1)
    assert found.threshold is None
    assert found.positives is None
    assert found.classes == classes
    assert found.confusion[0][2] == ((truth == 0) & (decided == 2)).sum() != found.confusion[2][0]
    assert values(found.estimates) == pytest.approx(
        {
            "accuracy": (decided == truth).mean(),
            "auc": roc_auc_score(truth, chances, multi_class="ovr"),
            "f1": f1_score(truth, decided, average="macro"),
            "calibration_error": found.estimates["calibration_error"].value,
            **{
                f"sensitivity of {name}": (decided == k)[truth == k].mean()
                for k, name in enumerate(classes)
            },
        }
    )


def test_three_classes_are_calibrated_by_the_one_decided_for() -> None:
    truth = np.array([0, 1])
    chances = np.array([[0.8, 0.15, 0.05], [0.7, 0.2, 0.1]])
    found = multiclass_scores(truth, chances, ["a", "b"], list("xyz"), draws=20)
    assert found.estimates["calibration_error"].value == pytest.approx((0.2 + 0.7) / 2)


def test_pairs_become_arrays_with_groups() -> None:
    pairs = [
        Pair(np.float32([1]), np.float32([0.25]), "a", "p"),
        Pair(np.float32([0]), np.float32([0.75]), "b"),
    ]
    targets, chances, groups = scoring_arrays(pairs)
    assert (targets.tolist(), chances.tolist(), groups) == ([1, 0], [[0.25], [0.75]], ["p", "b"])
    assert (targets.dtype, chances.dtype) == (np.int64, np.float64)


def test_diverged_predictions_are_named() -> None:
    with pytest.raises(RunError, match=r"prediction of lost is not finite.*optim\.lr"):
        scoring_arrays([Pair(np.float32([1]), np.float32([np.nan]), "lost")])


def test_the_threshold_of_separated_classes_is_in_the_gap_near_a_half() -> None:
    truth = np.array([0, 0, 0, 1, 1])
    chance = np.array([0.001, 0.01, 0.1, 0.9, 0.99])
    assert choose_threshold(truth, chance, list("abcde")) == 0.5
    chance = np.array([0.0, 0.01, 0.8, 0.99, 1.0])
    expected = expit(0.9 * logit(0.8) + 0.1 * logit(0.99))
    assert choose_threshold(truth, chance, list("abcde")) == round(expected, 5)


def test_the_threshold_of_one_class_or_one_probability_is_a_half() -> None:
    assert choose_threshold(np.ones(3), CHANCE[:3], list("abc")) == 0.5
    assert choose_threshold(np.zeros(3), CHANCE[:3], list("abc")) == 0.5
    assert choose_threshold(TRUTH, np.full(10, 0.9), ALONE) == 0.5


def test_the_threshold_is_within_two_errors_of_the_best() -> None:
    truth, chance = drawn(400, 6, gap=4)
    chance = expit(logit(chance) - 3)
    groups = [str(i) for i in range(400)]
    threshold = choose_threshold(truth, chance, groups)
    grid = expit(np.linspace(-8, 2, 501))
    curve = np.array([balanced_accuracy_score(truth, chance >= t) for t in grid])
    best = grid[curve.argmax()]
    draws, rng = [], np.random.default_rng(9)
    for _ in range(200):
        some = rng.integers(0, 400, 400)
        draws.append(balanced_accuracy_score(truth[some], chance[some] >= best))
    good = logit(grid[curve >= curve.max() - 2 * np.std(draws)])
    assert good[0] < logit(threshold) < good[-1] < 0
    assert logit(threshold) == pytest.approx(0.1 * good[0] + 0.9 * good[-1], abs=0.2)


def test_the_threshold_does_not_depend_on_the_shares_of_the_classes() -> None:
    truth, chance = drawn(300, 7, gap=6)
    groups = [str(i) for i in range(300)]
    more = np.concatenate([np.arange(300), np.flatnonzero(truth == 0).repeat(4)])
    many = choose_threshold(truth[more], chance[more], [groups[i] for i in more])
    assert logit(many) == pytest.approx(logit(choose_threshold(truth, chance, groups)), abs=0.3)


def test_swapped_classes_mirror_the_threshold() -> None:
    truth, chance = drawn(200, 8, gap=3)
    groups = [str(i) for i in range(200)]
    threshold = choose_threshold(truth, chance, groups)
    assert choose_threshold(1 - truth, 1 - chance, groups) == pytest.approx(1 - threshold, abs=1e-4)


def test_the_threshold_leaves_a_half_only_as_far_as_it_must() -> None:
    truth, chance = drawn(200, 8, gap=3)
    groups = [str(i) for i in range(200)]
    assert choose_threshold(truth, chance, groups) == 0.5
    up = logit(choose_threshold(truth, expit(logit(chance) + 6), groups))
    down = logit(choose_threshold(truth, expit(logit(chance) - 6), groups))
    assert 0 < up < 6
    assert -6 < down < 0
    farther = logit(choose_threshold(truth, expit(logit(chance) + 7), groups))
    assert farther == pytest.approx(up + 1, abs=0.01)


def test_the_plateau_is_connected() -> None:
    """Three peaks of nearly one height, far apart: the middle of all would be in a trough."""
    steps = np.linspace(-6, 6, 9)
    truth = np.array([0] * 100 + [1] * 60 + [0] * 60 + [1] * 100)
    chance = expit(np.concatenate([np.full(100, steps[0]), np.full(60, steps[3]),
                                   np.full(60, steps[5]), np.full(100, steps[8])]))  # fmt: skip
    threshold = choose_threshold(truth, chance, [str(i) for i in range(320)])
    assert steps[0] < logit(threshold) < steps[3] or steps[5] < logit(threshold) < steps[8]


def test_the_standard_error_of_the_plateau_is_that_of_groups() -> None:
    """Copies of a sample in its group tell nothing new; as samples of their own they would."""
    truth, chance = drawn(100, 10)
    groups = [str(i) for i in range(100)]
    copies = truth.repeat(9), chance.repeat(9)
    once = choose_threshold(truth, chance, groups)
    assert choose_threshold(*copies, np.repeat(groups, 9).tolist()) == once
    assert choose_threshold(*copies, [str(i) for i in range(900)]) != once


def test_the_threshold_follows_the_seed_alone() -> None:
    truth, chance = drawn(200, 9)
    groups = [str(i // 2) for i in range(200)]
    order = np.random.default_rng(0).permutation(200)
    turned = choose_threshold(truth[order], chance[order], [groups[i] for i in order])
    assert choose_threshold(truth, chance, groups) == turned


def test_a_threshold_below_the_fifth_decimal_is_kept() -> None:
    truth, chance = np.array([0, 0, 1, 1]), np.array([1e-6, 1e-6, 3e-6, 4e-6])
    threshold = choose_threshold(truth, chance, list("abcd"))
    assert ((chance >= threshold) == truth).all()
