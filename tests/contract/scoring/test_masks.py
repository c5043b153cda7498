"""Scores of segmentations, against values by hand and from scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score

from comp.contract.scoring.masks import dice, dice_micro, iou, mean_precision_of_iou

SCORES = [dice, dice_micro, iou, mean_precision_of_iou]


def mask(*pixels: int, shape: tuple[int, ...] = (4, 5, 1)) -> np.ndarray:
    """1 at the given positions, counted row by row."""
    values = np.zeros(shape, np.float32)
    values.reshape(-1)[list(pixels)] = 1
    return values


def overlap(common: int, target: int, decision: int) -> tuple[np.ndarray, np.ndarray]:
    """Masks with so many pixels in both, and in each."""
    first = mask(*range(target))
    start = target - common
    return first, mask(*range(start, start + decision))


EMPTY = mask()


def test_dice_and_iou_by_hand():
    pairs = [overlap(2, 5, 3), overlap(1, 1, 4)]

    assert dice(iter(pairs)) == pytest.approx((4 / 8 + 2 / 5) / 2)
    assert iou(iter(pairs)) == pytest.approx((2 / 6 + 1 / 4) / 2)
    assert dice_micro(iter(pairs)) == pytest.approx(2 * 3 / (8 + 5))


@pytest.mark.parametrize("score", SCORES)
def test_two_empty_masks_count_as_one(score):
    assert score([(EMPTY, EMPTY)]) == 1


@pytest.mark.parametrize("score", SCORES)
def test_an_empty_mask_against_one_with_pixels_counts_as_zero(score):
    assert score([(EMPTY, mask(3))]) == 0
    assert score([(mask(3), EMPTY)]) == 0


@pytest.mark.parametrize("score", [dice, iou, mean_precision_of_iou])
def test_images_of_different_sizes_have_equal_weight(score):
    large = np.ones((50, 50, 1))

    assert score([(large, large), (mask(0), mask(1)), (EMPTY, EMPTY)]) == pytest.approx(2 / 3)


def test_each_plane_counts():
    target, decision = np.zeros((2, 2, 3)), np.zeros((2, 2, 3))
    target[:, :, 0], decision[0, :, 0] = 1, 1
    target[0, 0, 1], decision[1, 1, 1] = 1, 1

    assert dice([(target, decision)]) == pytest.approx((4 / 6 + 0 + 1) / 3)
    assert iou([(target, decision)]) == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert dice_micro([(target, decision)]) == pytest.approx(2 * 2 / (5 + 3))
    assert mean_precision_of_iou([(target, decision)]) == pytest.approx((0 + 0 + 1) / 3)


@pytest.mark.parametrize(
    ("common", "union", "expected"),
    [
        (10, 20, 0.0),
        (11, 20, 0.1),  # above 0.50, not above 0.55
        (12, 20, 0.2),
        (3, 5, 0.2),
        (13, 20, 0.3),
        (14, 20, 0.4),
        (15, 20, 0.5),
        (16, 20, 0.6),
        (17, 20, 0.7),
        (18, 20, 0.8),
        (19, 20, 0.9),
        (20, 20, 1.0),
        (11, 19, 0.2),
        (9, 20, 0.0),
    ],
)
def test_mean_precision_of_iou_counts_the_thresholds_below(common, union, expected):
    assert mean_precision_of_iou([overlap(common, union, common)]) == pytest.approx(expected)
    assert mean_precision_of_iou([overlap(common, common, union)]) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_dice_and_iou_agree_with_scikit_learn(seed: int):
    generator = np.random.default_rng(seed)
    pairs = [
        ((generator.random((6, 7, 2)) < 0.5), (generator.random((6, 7, 2)) < 0.3)) for _ in range(3)
    ]
    flat = [(t[..., k].ravel(), d[..., k].ravel()) for t, d in pairs for k in range(2)]

    assert dice(pairs) == pytest.approx(np.mean([f1_score(t, d) for t, d in flat]))
    assert iou(pairs) == pytest.approx(np.mean([jaccard_score(t, d) for t, d in flat]))
    both = [np.concatenate([pair[i].ravel() for pair in pairs]) for i in (0, 1)]
    assert dice_micro(pairs) == pytest.approx(f1_score(*both))


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("value", [255, 2, -1, 0.5])
def test_a_mask_has_no_values_but_0_and_1(score, value: float):
    with pytest.raises(ValueError, match=r"a pixel of a target is .*, not 0 or 1"):
        score([(EMPTY + value, EMPTY)])
    with pytest.raises(ValueError, match=r"a pixel of a decision is .*, not 0 or 1: decide"):
        score([(EMPTY, EMPTY + value)])


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(
    ("target", "decision"),
    [((4, 5, 1), (4, 5)), ((4, 5, 1), (5, 4, 1)), ((4, 5, 1), (4, 5, 3)), ((4, 5), (4, 5, 1))],
)
def test_masks_are_never_broadcast(score, target, decision):
    with pytest.raises(ValueError, match="this metric needs equal shapes") as error:
        score([(np.zeros(target), np.zeros(decision))])
    assert str(target) in str(error.value)
    assert str(decision) in str(error.value)


@pytest.mark.parametrize("score", SCORES)
def test_classes_are_not_masks(score):
    with pytest.raises(ValueError, match=r"shape \(1,\), and this metric compares masks"):
        score([(np.zeros(1), np.zeros(1))])


@pytest.mark.parametrize("score", SCORES)
def test_masks_are_read_one_at_a_time(score):
    alive = 0

    class Tracked(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def stream():
        nonlocal alive
        for _ in range(20):
            alive += 1
            yield EMPTY, mask(1).view(Tracked)
            assert alive < 5

    assert score(stream()) == 0


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_decision_that_is_not_finite_gives_nan(score, value: float):
    decision = mask(1)
    decision[0, 0] = value

    assert math.isnan(score([(mask(1), mask(1)), (mask(1), decision)]))
