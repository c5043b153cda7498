"""Scores of classes and grades, against values by hand and from other functions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    fbeta_score,
    precision_score,
    recall_score,
)

from comp.contract.scoring.classes import (
    accuracy,
    auc,
    balanced_accuracy,
    f_beta_score,
    log_loss,
    matthews_correlation,
    probabilistic_f1,
    quadratic_weighted_kappa,
)

NAN = float("nan")


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


def test_auc_counts_ordered_pairs_and_half_of_the_ties():
    assert auc(TWO) == pytest.approx((3 + 2.5) / 6)
    assert auc(iter(TWO[::-1])) == auc(TWO)


def test_auc_of_three_classes_is_the_mean_of_each_against_the_rest():
    first, second, third = 2 / (2 * 2), 2 / 3, 2 / 3
    assert auc(THREE) == pytest.approx((first + second + third) / 3)


def test_auc_of_a_class_that_is_not_there_is_left_out():
    assert auc(THREE[:3]) == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_auc_of_constant_probabilities_is_one_half():
    assert auc(pairs([0, 1, 1], [0.3, 0.3, 0.3])) == 0.5


def test_log_loss_by_hand():
    right = [0.9, 0.5, 0.3, 0.7, 0.9]
    assert log_loss(TWO) == pytest.approx(-sum(map(math.log, right)) / 5, rel=1e-6)
    right = [0.6, 0.1, 0.5, 0.25]
    assert log_loss(THREE) == pytest.approx(-sum(map(math.log, right)) / 4, rel=1e-6)


def test_log_loss_knows_every_class_where_one_is_not_there():
    assert log_loss(TWO[:1]) == pytest.approx(-math.log(0.9), rel=1e-6)
    assert log_loss(THREE[:1]) == pytest.approx(-math.log(0.6), rel=1e-6)


def test_log_loss_of_a_certain_error_is_finite():
    certain = log_loss(pairs([0], [1.0]))

    assert 30 < certain < math.inf
    assert certain == pytest.approx(-math.log(np.finfo(np.float64).eps))


def test_log_loss_divides_by_the_sum_of_the_probabilities():
    assert log_loss(pairs([1], [[0.2, 0.2, 0.1]])) == pytest.approx(-math.log(0.4))


def test_log_loss_of_no_probability_at_all_is_nan():
    assert math.isnan(log_loss(pairs([1, 0], [[0, 0, 0], [1, 0, 0]])))


def test_log_loss_takes_a_probability_that_rounding_puts_above_one():
    above = np.nextafter(np.float32(1), np.float32(2))

    assert log_loss(pairs([1, 1], [above, 0.5])) == pytest.approx(math.log(2) / 2)
    assert log_loss(pairs([1, 1], [-1e-8, 0.5])) == log_loss(pairs([1, 1], [0, 0.5]))


@pytest.mark.parametrize("value", [-0.1, 1.1, 3.0])
def test_log_loss_refuses_raw_outputs(value: float):
    with pytest.raises(ValueError, match="are not probabilities: use an activation"):
        log_loss(pairs([1, 0], [value, 0.5]))


def test_auc_of_one_class_is_nan():
    assert math.isnan(auc(TWO[3:]))
    assert math.isnan(auc(THREE[:2]))


@pytest.mark.parametrize("score", [auc, log_loss])
def test_a_target_must_be_a_class_of_the_predictions(score):
    with pytest.raises(
        ValueError, match=r"class 2, but a prediction has the shape \(1,\), the probab"
    ):
        score(pairs([0, 2], [0.1, 0.2]))
    with pytest.raises(ValueError, match=r"class 3, but a prediction has the shape \(3,\), the"):
        score(pairs([0, 3], [[0.1, 0.2, 0.7]] * 2))


@pytest.mark.parametrize("score", [auc, log_loss, accuracy, quadratic_weighted_kappa])
@pytest.mark.parametrize("target", [0.7, -1, NAN])
def test_a_target_must_be_a_class_index(score, target: float):
    with pytest.raises(ValueError, match="not a class index: number the classes from 0"):
        score(pairs([1, target], [1, 0]))


DECIDED = [accuracy, balanced_accuracy, quadratic_weighted_kappa, matthews_correlation]
TARGETS = [0, 0, 0, 0, 1, 1, 2, 2]
DECISIONS = [0, 0, 0, 2, 1, 0, 2, 0]


@pytest.mark.parametrize("score", DECIDED)
def test_a_probability_is_not_a_decision(score):
    with pytest.raises(ValueError, match=r"a decision is 0\.75, not a class index: decide"):
        score(pairs([1, 0], [0.75, 0]))


def test_accuracy_is_the_share_of_equal_classes():
    assert accuracy(pairs(TARGETS, DECISIONS)) == 5 / 8
    assert accuracy(pairs([0, 0, 0, 1, 1], [0, 1, 1, 1, 1])) == 3 / 5


def test_balanced_accuracy_is_the_mean_recall():
    ours = balanced_accuracy(pairs(TARGETS, DECISIONS))

    assert ours == pytest.approx((3 / 4 + 1 / 2 + 1 / 2) / 3)
    assert ours == pytest.approx(balanced_accuracy_score(TARGETS, DECISIONS))
    assert ours != pytest.approx(balanced_accuracy_score(DECISIONS, TARGETS))


def test_balanced_accuracy_leaves_out_a_class_that_is_only_decided():
    assert balanced_accuracy(pairs([0, 0, 1, 1], [0, 2, 1, 1])) == pytest.approx((1 / 2 + 1) / 2)


def test_f1_of_two_classes_by_hand():
    # 2 hits, 1 false alarm, 3 misses: precision 2/3, recall 2/5
    data = pairs([1, 1, 1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 1, 0, 0])

    assert f_beta_score(1, "binary", data) == pytest.approx(2 * 2 / (2 * 2 + 1 + 3))
    assert f_beta_score(2, "binary", data) == pytest.approx(5 * 2 / (5 * 2 + 4 * 3 + 1))
    assert f_beta_score(0.5, "binary", data) == pytest.approx(1.25 * 2 / (1.25 * 2 + 0.25 * 3 + 1))


def test_f1_without_class_one_is_zero():
    assert f_beta_score(1, "binary", pairs([0, 0], [0, 0])) == 0
    assert f_beta_score(1, "binary", pairs([0, 1], [0, 0])) == 0


def test_f1_of_two_classes_refuses_a_third():
    with pytest.raises(ValueError, match="class 2 occurs"):
        f_beta_score(1, "binary", pairs(TARGETS, DECISIONS))


def test_f1_macro_of_classes_by_hand():
    # class 0: 3 hits, 2 false, 1 missed; 1: 1, 0, 1; 2: 1, 1, 1
    data = pairs(TARGETS, DECISIONS)

    assert f_beta_score(1, "macro", data) == pytest.approx((6 / 9 + 2 / 3 + 2 / 4) / 3)
    assert f_beta_score(1, "micro", data) == pytest.approx(accuracy(data))


def test_f2_macro_does_not_swap_targets_and_decisions():
    # class 0: 1 hit, 0 false, 1 missed; class 1: 2 hits, 1 false, 0 missed
    data = pairs([0, 0, 1, 1], [0, 1, 1, 1])

    assert f_beta_score(2, "macro", data) == pytest.approx((5 / (5 + 4) + 10 / (10 + 1)) / 2)


def labels(targets: list[list[int]], decisions: list[list[int]]):
    return [(np.float32(t), np.float32(d)) for t, d in zip(targets, decisions, strict=True)]


SEVERAL = labels(
    [[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]],
    [[1, 0, 0], [0, 0, 0], [1, 0, 1], [1, 0, 0]],
)


def test_f1_of_several_labels_by_hand():
    # label 0: 2 hits, 1 false, 0 missed; 1: 0, 0, 1; 2: 0, 1, 0
    assert f_beta_score(1, "macro", SEVERAL) == pytest.approx((4 / 5 + 0 + 0) / 3)
    assert f_beta_score(1, "micro", SEVERAL) == pytest.approx(4 / (4 + 2 + 1))
    assert f_beta_score(2, "micro", SEVERAL) == pytest.approx(10 / (10 + 2 + 4 * 1))


def test_f1_of_samples_counts_an_empty_row_as_one():
    # rows: 1 hit, 0 false, 1 missed; both empty; 1 hit, 1 false; only false
    rows = [2 / 3, 1, 2 / 3, 0]
    assert f_beta_score(1, "samples", SEVERAL) == pytest.approx(sum(rows) / 4)
    rows = [5 / (5 + 4), 1, 5 / (5 + 1), 0]
    assert f_beta_score(2, "samples", SEVERAL) == pytest.approx(sum(rows) / 4)


def test_f1_of_samples_of_a_single_label():
    assert f_beta_score(1, "samples", labels([[1], [0], [0], [1]], [[1], [1], [0], [1]])) == 0.75


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("average", ["micro", "macro", "samples"])
def test_f_beta_of_labels_is_that_of_scikit_learn(average, beta):
    rng = np.random.default_rng(3)
    for share in (0.05, 0.3, 0.9):
        targets, decisions = (rng.random((2, 40, 6)) < share).astype(int)
        empty = 1.0 if average == "samples" else 0.0
        expected = fbeta_score(targets, decisions, beta=beta, average=average, zero_division=empty)
        assert f_beta_score(beta, average, labels(targets, decisions)) == expected


def test_f1_of_labels_that_never_occur():
    empty = labels([[0, 0], [0, 0]], [[0, 0], [0, 0]])

    assert f_beta_score(1, "macro", empty) == f_beta_score(1, "micro", empty) == 0
    assert f_beta_score(1, "samples", empty) == 1


@pytest.mark.parametrize("average", ["micro", "macro", "samples"])
def test_f1_of_labels_refuses_probabilities_and_marks_of_other_kinds(average):
    with pytest.raises(ValueError, match=r"the decision of a label is 0\.75, not 0 or 1"):
        f_beta_score(1, average, [(np.float32([1, 0]), np.float32([0.75, 0]))])
    with pytest.raises(ValueError, match="the target of a label is 2, not 0 or 1"):
        f_beta_score(1, average, [(np.float32([1, 2]), np.float32([1, 0]))])


def test_f1_refuses_an_index_against_labels():
    with pytest.raises(ValueError, match=r"shape \(1,\) and predictions \(3,\)"):
        f_beta_score(1, "macro", [(np.float32([1]), np.float32([1, 0, 0]))])


@pytest.mark.parametrize("seed", range(5))
def test_f_beta_is_that_of_precision_and_recall(seed: int):
    targets, decisions = np.random.default_rng(seed).random((2, 60, 4)) < [[[0.3]], [[0.5]]]
    data = labels(targets.astype(int).tolist(), decisions.astype(int).tolist())
    each = [
        (1 + 4) * p * r / (4 * p + r)
        for p, r in zip(
            precision_score(targets, decisions, average=None),
            recall_score(targets, decisions, average=None),
            strict=True,
        )
    ]

    assert f_beta_score(2, "macro", data) == pytest.approx(np.mean(each))


def kappa(targets: list[int], decisions: list[int]) -> float:
    """1 - mean squared error / mean squared difference of all combinations."""
    observed = sum((t - d) ** 2 for t, d in zip(targets, decisions, strict=True))
    by_chance = Fraction(sum((t - d) ** 2 for t in targets for d in decisions), len(targets))
    return float(1 - observed / by_chance)


def test_quadratic_weighted_kappa_by_hand():
    # squared errors 0 0 0 4 0 1 0 4; those of all combinations sum to 92
    assert kappa(TARGETS, DECISIONS) == pytest.approx(1 - 9 / (92 / 8))
    assert quadratic_weighted_kappa(pairs(TARGETS, DECISIONS)) == pytest.approx(
        kappa(TARGETS, DECISIONS)
    )


def test_quadratic_weighted_kappa_counts_grades_that_do_not_occur():
    targets, decisions = [0, 1, 4, 4, 0], [0, 4, 4, 1, 1]

    assert quadratic_weighted_kappa(pairs(targets, decisions)) == pytest.approx(
        kappa(targets, decisions)
    )


@pytest.mark.parametrize("seed", range(5))
def test_quadratic_weighted_kappa_of_random_grades(seed: int):
    targets, decisions = np.random.default_rng(seed).integers(0, 7, (2, 12)).tolist()

    assert quadratic_weighted_kappa(pairs(targets, decisions)) == pytest.approx(
        kappa(targets, decisions)
    )


def test_quadratic_weighted_kappa_of_one_grade_is_nan():
    assert math.isnan(quadratic_weighted_kappa(pairs([2, 2], [2, 2])))
    assert quadratic_weighted_kappa(pairs([2, 2], [2, 1])) == 0


def test_matthews_correlation_of_two_classes_is_the_correlation_of_the_indices():
    targets, decisions = [1, 1, 1, 0, 0, 1], [1, 0, 1, 1, 0, 1]

    assert matthews_correlation(pairs(targets, decisions)) == pytest.approx(
        np.corrcoef(targets, decisions)[0, 1]
    )


def test_matthews_correlation_of_three_classes_by_hand():
    # 8 samples, 5 right; targets 4, 2, 2; decisions 5, 1, 2
    assert matthews_correlation(pairs(TARGETS, DECISIONS)) == pytest.approx(
        (5 * 8 - (4 * 5 + 2 * 1 + 2 * 2)) / math.sqrt((64 - (16 + 4 + 4)) * (64 - (25 + 1 + 4)))
    )


def test_matthews_correlation_of_one_class_is_zero():
    assert matthews_correlation(pairs([0, 1], [1, 1])) == 0
    assert matthews_correlation(pairs([1, 1], [1, 1])) == 0


def reference_pf1(labels: list[int], predictions: list[float]) -> float:
    """As the page of the competition defines it."""
    y_true_count = ctp = cfp = 0.0
    for label, prediction in zip(labels, predictions, strict=True):
        prediction = min(max(prediction, 0), 1)
        if label:
            y_true_count += 1
            ctp += prediction
        else:
            cfp += prediction
    precision, recall = ctp / (ctp + cfp), ctp / y_true_count
    return 2 * precision * recall / (precision + recall)


def test_probabilistic_f1_as_its_competition_defines_it():
    targets, shares = [1, 1, 1, 0, 0, 1], [0.9, 0.25, 1.0, 0.5, 0.125, -0.5]

    assert probabilistic_f1(pairs(targets, shares)) == pytest.approx(
        reference_pf1(targets, shares), rel=1e-6
    )


def test_probabilistic_f1_of_decisions_is_f1():
    targets, decisions = [1, 1, 1, 0, 0, 1, 0], [1, 0, 0, 1, 0, 1, 0]

    assert probabilistic_f1(pairs(targets, decisions)) == pytest.approx(
        f1_score(targets, decisions)
    )


def test_probabilistic_f1_without_class_one():
    assert math.isnan(probabilistic_f1(pairs([0, 0], [0.5, 0.1])))
    assert probabilistic_f1(pairs([0, 1], [0.0, 0.0])) == 0


def test_probabilistic_f1_refuses_several_probabilities():
    with pytest.raises(ValueError, match=r"shape \(2,\), and this metric compares two classes"):
        probabilistic_f1(pairs([0, 1], [[0.1, 0.9], [0.2, 0.8]]))
