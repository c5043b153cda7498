"""Scores of several labels and of rankings, against values by hand and published examples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from comp.contract.scoring.labels import mean_auc, mean_average_precision, mean_log_loss

LABELS = [[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0]]
CHANCES = [[0.9, 0.5, 0.1], [0.5, 0.25, 0.9], [0.25, 0.5, 0.5], [0.5, 0.75, 0.5]]


def pairs(targets, predictions):
    return [(np.float32(t), np.float32(p)) for t, p in zip(targets, predictions, strict=True)]


def test_mean_auc_counts_ordered_pairs_of_each_label():
    # label 0: 3 + 1/2 of 4; label 1: 2 of 4; label 2 has one class and is left out
    assert mean_auc(iter(pairs(LABELS, CHANCES))) == pytest.approx((3.5 / 4 + 2 / 4) / 2)


def test_mean_auc_without_a_label_of_two_classes_is_nan():
    assert math.isnan(mean_auc(pairs(LABELS[:1], CHANCES[:1])))


def test_mean_log_loss_by_hand():
    right = [0.9, 0.5, 0.9, 0.5, 0.25, 0.1, 0.75, 0.5, 0.5, 0.5, 0.75, 0.5]

    assert mean_log_loss(pairs(LABELS, CHANCES)) == pytest.approx(
        -sum(map(math.log, right)) / 12, rel=1e-6
    )


def test_mean_log_loss_of_labels_that_are_never_true():
    assert mean_log_loss(pairs([[0, 0]], [[0.5, 0.75]])) == pytest.approx(
        (math.log(2) + math.log(4)) / 2
    )


def test_mean_log_loss_takes_a_probability_that_rounding_puts_above_one():
    above = np.nextafter(np.float32(1), np.float32(2))

    assert mean_log_loss(pairs([[1, 1]], [[above, 0.5]])) == pytest.approx(math.log(2) / 2)


def test_mean_log_loss_refuses_raw_outputs():
    with pytest.raises(ValueError, match=r"predictions from -2 to 0\.5 are not probabilities"):
        mean_log_loss(pairs([[0, 1]], [[0.5, -2]]))


@pytest.mark.parametrize("score", [mean_auc, mean_log_loss])
@pytest.mark.parametrize(("target", "prediction"), [((1,), (3,)), ((3,), (1,)), ((2,), (3,))])
def test_labels_are_never_broadcast(score, target, prediction):
    with pytest.raises(ValueError, match="one prediction per target value") as error:
        score([(np.ones(target), np.ones(prediction))] * 2)
    assert str(target) in str(error.value)
    assert str(prediction) in str(error.value)


def test_mean_auc_refuses_a_class_index():
    with pytest.raises(ValueError, match="the target of a label is 2, not 0 or 1"):
        mean_auc(pairs([[2], [0]], [[0.1], [0.2]]))


def test_average_precision_of_one_class_is_the_inverse_rank():
    chances = [0.1, 0.4, 0.2, 0.3]
    ranks = [4, 1, 3, 2]
    for index, rank in enumerate(ranks):
        score = mean_average_precision(3, pairs([[index]], [chances]))
        assert score == (pytest.approx(1 / rank) if rank <= 3 else 0)


def test_mean_average_precision_is_the_mean_over_the_samples():
    data = pairs([[1], [0], [2]], [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])

    assert mean_average_precision(5, data) == pytest.approx((1 / 2 + 1 + 1 / 3) / 3)
    assert mean_average_precision(1, data) == pytest.approx(1 / 3)


def test_average_precision_of_two_classes():
    assert mean_average_precision(2, pairs([[1], [0]], [[0.75], [0.75]])) == (1 + 1 / 2) / 2


def ranked(order: list[int], count: int) -> list[float]:
    """Probabilities of labels 1 to `count`, the largest for the first of `order`."""
    chances = [0.0] * count
    for rank, label in enumerate(order):
        chances[label - 1] = 1 - rank / 100
    return chances


@pytest.mark.parametrize(
    ("true", "order", "k", "expected"),
    [
        # from the tests of apk in the library ml_metrics
        ([1, 2, 3, 4, 5], [6, 4, 7, 1, 2], 2, 0.25),
        (range(1, 101), range(1, 21), 20, 1.0),
        # by hand: hits at ranks 1, 3 of 3 labels; and at rank 2 of one
        ([1, 2, 3], [1, 4, 2, 5, 3], 4, (1 / 1 + 2 / 3) / 3),
        ([2], [1, 2, 3], 3, 1 / 2),
        ([1, 2], [3, 4, 5, 1, 2], 3, 0.0),
    ],
)
def test_average_precision_of_several_labels(true, order, k, expected):
    count = max(*true, *order)
    target = [float(label in true) for label in range(1, count + 1)]

    assert mean_average_precision(k, pairs([target], [ranked(list(order), count)])) == (
        pytest.approx(expected)
    )


def test_average_precision_without_a_true_label_is_zero():
    data = pairs([[0, 0], [0, 1]], [[0.1, 0.2], [0.1, 0.2]])

    assert mean_average_precision(2, data) == 1 / 2


def test_average_precision_ranks_ties_by_index():
    assert mean_average_precision(2, pairs([[1]], [[0.5, 0.5, 0.5]])) == 1 / 2


def test_average_precision_refuses_targets_that_do_not_fit():
    with pytest.raises(ValueError, match=r"shape \(2,\) and predictions \(3,\)"):
        mean_average_precision(2, [(np.ones(2), np.ones(3))])
    with pytest.raises(ValueError, match="a target is class 3"):
        mean_average_precision(2, pairs([[3]], [[0.1, 0.2, 0.7]]))
