"""Scores of numbers and images, against values by hand and from other functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import (
    mean_absolute_error,
    root_mean_squared_error,
    root_mean_squared_log_error,
)

from comp.contract.scoring.numbers import (
    mae,
    mape,
    mean_columnwise_rmse,
    mean_columnwise_rmsle,
    r2,
    rmse,
    rmsle,
    rmspe,
    spearman,
)

NAN = float("nan")
# The example of scikit-learn's documentation of these scores.
TARGETS, PREDICTIONS = [3, -0.5, 2, 7], [2.5, 0.0, 2, 8]
TABLE = np.array([[0.5, 1], [-1, 1], [7, -6]]), np.array([[0, 2], [-1, 2], [8, -5]])


def column(targets: list[float], predictions: list[float]):
    return list(zip(np.float64(targets)[:, None], np.float64(predictions)[:, None], strict=True))


def rows(table: tuple[np.ndarray, np.ndarray]):
    return list(zip(*table, strict=True))


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


def test_rmse_of_what_is_not_finite_is_nan():
    assert math.isnan(rmse([(np.zeros(2), np.array([0.0, np.inf]))]))
    assert math.isnan(rmse([(np.array([0.0, -np.inf]), np.zeros(2))]))


@pytest.mark.parametrize("score", [rmse, mae, rmsle])
def test_images_are_compared_pixel_by_pixel_from_an_iterator(score):
    first, second = np.ones((2, 3, 1)), np.full((4, 1, 1), 3.0)
    pairs = iter([(first, first + 1), (second, second + 2)])
    flat = np.concatenate([first.ravel(), second.ravel()])
    other = np.concatenate([first.ravel() + 1, second.ravel() + 2])
    independent = {
        rmse: root_mean_squared_error, mae: mean_absolute_error, rmsle: root_mean_squared_log_error
    }[score]  # fmt: skip

    assert score(pairs) == pytest.approx(independent(flat, other))


@pytest.mark.parametrize("score", [rmse, mae, rmsle])
@pytest.mark.parametrize(
    ("target", "prediction"),
    [((3,), (3, 1)), ((3, 1), (3,)), ((1,), (4,)), ((), (1,)), ((2, 2, 1), (2, 2, 3))],
)
def test_arrays_are_never_broadcast(score, target, prediction):
    with pytest.raises(ValueError, match="this metric needs equal shapes") as error:
        score([(np.ones(target), np.ones(prediction))])
    assert str(target) in str(error.value)
    assert str(prediction) in str(error.value)


@pytest.mark.parametrize("score", [r2, spearman, mean_columnwise_rmse])
def test_columns_are_never_broadcast(score):
    with pytest.raises(ValueError, match=r"shape \(1,\) and predictions \(3,\)"):
        score([(np.ones(1), np.ones(3))] * 2)


def test_mae_by_hand():
    assert mae(column(TARGETS, PREDICTIONS)) == (0.5 + 0.5 + 0 + 1) / 4
    assert mae(rows(TABLE)) == pytest.approx((0.5 + 1 + 0 + 1 + 1 + 1) / 6)


def test_rmsle_by_hand():
    # ln 4 - ln 2, ln 1 - ln 8
    expected = math.sqrt((math.log(2) ** 2 + math.log(8) ** 2) / 2)

    assert rmsle(column([1, 7], [3, 0])) == pytest.approx(expected)


def test_rmsle_of_slightly_negative_predictions():
    assert rmsle(column([0], [-0.5])) == pytest.approx(math.log(2))


@pytest.mark.parametrize("value", [-1, -3])
def test_rmsle_of_a_prediction_without_a_logarithm_is_nan(value: float):
    assert math.isnan(rmsle(column([0, 1], [0.5, value])))


def test_rmsle_refuses_a_target_without_a_logarithm():
    with pytest.raises(ValueError, match=r"a target is -2, .* above -1: choose rmse or mae"):
        rmsle(column([0, -2], [0.5, 1]))


def test_mean_columnwise_rmse_is_the_mean_of_roots():
    by_column = [root_mean_squared_error(t, p) for t, p in zip(TABLE[0].T, TABLE[1].T, strict=True)]

    assert mean_columnwise_rmse(rows(TABLE)) == pytest.approx(sum(by_column) / 2)
    assert by_column[0] == pytest.approx(math.sqrt(1.25 / 3))
    assert mean_columnwise_rmse(rows(TABLE)) != pytest.approx(rmse(rows(TABLE)))


def test_r2_by_hand():
    # the mean of the targets is 2.875
    residual, total = 0.25 + 0.25 + 0 + 1, sum((t - 2.875) ** 2 for t in TARGETS)

    assert r2(column(TARGETS, PREDICTIONS)) == pytest.approx(1 - residual / total)
    assert r2(column(TARGETS, PREDICTIONS)) == pytest.approx(0.948608, abs=1e-6)


def test_r2_of_columns_is_their_mean():
    each = [
        1 - np.square(t - p).sum() / np.square(t - t.mean()).sum()
        for t, p in zip(TABLE[0].T, TABLE[1].T, strict=True)
    ]

    assert r2(rows(TABLE)) == pytest.approx(sum(each) / 2)


def test_r2_of_constant_targets_is_nan():
    assert math.isnan(r2(column([2, 2, 2], [2, 2, 2])))
    assert math.isnan(r2(column([2], [2])))
    assert r2(column([1, 2, 3], [2, 2, 2])) == 0


def test_spearman_by_hand():
    # ranks 1 2 3 4 5 and 2 1 4 5 3: squared differences 1 1 1 1 4
    data = column([1, 2, 3, 4, 50], [0.2, 0.1, 0.4, 0.9, 0.3])

    assert spearman(data) == pytest.approx(1 - 6 * 8 / (5 * 24))


def test_spearman_of_ties_is_the_correlation_of_mean_ranks():
    data = column([1, 2, 2, 3], [10, 30, 20, 20])

    assert spearman(data) == pytest.approx(np.corrcoef([1, 2.5, 2.5, 4], [1, 4, 2.5, 2.5])[0, 1])


def test_spearman_of_columns_is_their_mean():
    table = np.array([[1, 1], [2, 2], [3, 3]]), np.array([[1, 3], [2, 1], [3, 2]])

    assert spearman(rows(table)) == pytest.approx((1 - 0.5) / 2)


@pytest.mark.parametrize(
    ("targets", "predictions"), [([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [4, 4, 4]), ([1], [1])]
)
def test_spearman_of_a_constant_column_is_nan(targets, predictions):
    assert math.isnan(spearman(column(targets, predictions)))
    varied = np.arange(len(targets))[:, None]
    table = np.c_[varied, targets], np.c_[varied, predictions]
    assert math.isnan(spearman(rows(table)))


@pytest.mark.parametrize("score", [rmse, mae, rmsle, r2, spearman, mean_columnwise_rmse])
@pytest.mark.parametrize("value", [NAN, np.inf])
def test_a_target_that_is_not_finite_gives_nan(score, value: float):
    assert math.isnan(score(column([0, 1, value], [0, 1, 2])))


def test_mape_by_hand():
    assert mape(column([1, -2, 4], [2, -1, 4])) == pytest.approx((1 + 0.5 + 0) / 3)
    with pytest.raises(ValueError, match=r"a target is 0, .* divides by targets: choose mae"):
        mape(column([1, 0], [1, 1]))


def test_rmspe_by_hand_does_not_score_targets_of_0():
    assert rmspe(column([1, -2, 0, 4], [2, -1, 9, 4])) == pytest.approx(math.sqrt(1.25 / 3))
    assert math.isnan(rmspe(column([0, 0], [1, 1])))


def test_mean_columnwise_rmsle_is_the_mean_of_the_columns():
    targets, predictions = [[1, 0], [3, 5]], [[2, 1], [0, 5]]
    columns = [column([row[i] for row in targets], [row[i] for row in predictions]) for i in (0, 1)]
    expected = np.mean([rmsle(pairs) for pairs in columns])
    pairs = [(np.float32(t), np.float32(p)) for t, p in zip(targets, predictions, strict=True)]
    assert mean_columnwise_rmsle(pairs) == pytest.approx(expected)
    assert mean_columnwise_rmsle(pairs) != pytest.approx(rmsle(pairs))
    assert math.isnan(mean_columnwise_rmsle([(np.zeros(2), np.array([0.0, -1.0]))]))
    with pytest.raises(ValueError, match="a target is -2"):
        mean_columnwise_rmsle([(np.array([-2.0, 1.0]), np.zeros(2))])
