"""Masks from probabilities, and the parameters with the best metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from comp.contract.metric import Metric, Pair
from comp.contract.metrics import DICE, DICE_MICRO, IOU, MAP_OF_IOU
from comp.errors import RunError
from comp.tasks.mask_decision import (
    DEFAULT,
    THRESHOLDS,
    count_pixels,
    decide_exclusive,
    decide_masks,
    fit_masks,
)
from comp.tasks.mask_scores import ScoreOfPlanes


class Images:
    """Pairs whose probabilities are shifted: the right threshold is 0.3. A third of the images is
    empty and has a few stray pixels. Counts how often it is read."""

    def __init__(self, count: int = 30, classes: int = 1, stray: int = 12) -> None:
        self.count, self.classes, self.stray, self.reads = count, classes, stray, 0

    def __iter__(self) -> Iterator[Pair]:
        self.reads += 1
        rng = np.random.default_rng(0)
        for i in range(self.count):
            target = np.zeros((32, 40, self.classes), np.float32)
            chances = rng.uniform(0.05, 0.25, target.shape)
            if i % 3:
                target[8:24, 8:30] = 1
                chances[8:24, 8:30] = rng.uniform(0.32, 0.9, (16, 22, self.classes))
            else:
                chances[0, : self.stray] = 0.95
            yield Pair(target, chances.astype(np.float32), str(i))


def test_a_mask_is_where_the_threshold_is_reached() -> None:
    chances = np.array([[0.2, 0.5], [0.7, 0.49]], np.float32)[..., None]
    assert decide_masks(chances, (0.5, 0.0, 0.0))[..., 0].tolist() == [[0, 1], [1, 0]]
    assert decide_masks(chances, (0.5, 2.0, 0.0)).sum() == 2
    assert decide_masks(chances, (0.5, 3.0, 0.0)).sum() == 0
    assert decide_masks(chances, (0.5, 0.0, 0.0)).dtype == np.float32


def test_a_mask_whose_pixels_are_unsure_becomes_empty() -> None:
    chances = np.array([[0.2, 0.5], [0.7, 0.49]], np.float32)[..., None]
    assert decide_masks(chances, (0.5, 0.0, 0.59)).sum() == 2  # the mean of 0.5 and 0.7 is 0.6
    assert decide_masks(chances, (0.5, 0.0, 0.61)).sum() == 0
    assert decide_masks(chances, (0.6, 0.0, 0.61)).sum() == 1
    assert decide_masks(np.zeros((2, 2, 1)), (0.5, 0.0, 0.61)).sum() == 0


def test_each_class_has_its_own_parameters() -> None:
    of_classes = (0.5, 0.0, 0.0), (0.3, 0.0, 0.0), (0.3, 5.0, 0.0), (0.3, 0.0, 0.45)
    masks = decide_masks(np.full((2, 2, 4), 0.4, np.float32), sum(of_classes, ()))
    assert masks.sum((0, 1)).tolist() == [0, 4, 0, 0]


def test_a_pixel_that_is_not_finite_reaches_the_metric() -> None:
    chances = np.full((2, 2, 1), 0.9, np.float32)
    chances[0, 0] = np.nan
    for decide in (decide_masks, decide_exclusive):
        masks = decide(chances, DEFAULT)
        assert np.isnan(DICE.score([(np.ones((2, 2, 1)), masks)]))


def test_exclusive_classes_take_the_most_probable() -> None:
    chances = np.random.default_rng(0).random((4, 5, 3)).astype(np.float32)
    masks = decide_exclusive(chances, ())
    assert (masks.sum(2) == 1).all()
    assert np.array_equal(masks.argmax(2), chances.argmax(2))


@pytest.mark.parametrize("metric", [DICE, IOU, MAP_OF_IOU])
def test_counts_give_the_score_of_the_metric_itself(metric: Metric) -> None:
    """At every threshold, the counts of one pass agree with real masks."""
    pairs, params = Images(9), fit_masks(Images(9), metric, 0, 1)
    counts = count_pixels(pairs)
    for index in (0, 10, 20, len(THRESHOLDS) - 1):
        decided = [decide_masks(p, (THRESHOLDS[index], 0.0, 0.0)) for _, p in pairs]
        means = [
            (p * mask).sum() / max(1, mask.sum())
            for mask, (_, p) in zip(decided, pairs, strict=True)
        ]
        assert counts.confidence[:, 0, index] == pytest.approx(means, rel=1e-5)
        assert counts.decided[:, 0, index].tolist() == [int(mask.sum()) for mask in decided]
        both = [int((mask * y).sum()) for mask, (y, _) in zip(decided, pairs, strict=True)]
        assert counts.common[:, 0, index].tolist() == both
    best = metric.score((y, decide_masks(p, params)) for y, p in pairs)
    assert best == pytest.approx(1.0)


@pytest.mark.parametrize("metric", [DICE, IOU, MAP_OF_IOU, DICE_MICRO])
def test_the_fit_finds_the_threshold_and_the_least_area(metric: Metric) -> None:
    pairs = Images()
    params = fit_masks(pairs, metric, 0, 1)
    assert 0.25 < params[0] <= 0.35
    assert params[1] > 12 or metric is DICE_MICRO
    default = metric.score((y, decide_masks(p, DEFAULT)) for y, p in pairs)
    assert metric.score((y, decide_masks(p, params)) for y, p in pairs) > default


class Unsure:
    """A third of the images is empty, and has a large patch; half of its pixels are as probable as
    those of masks. Only the least confidence tells them apart."""

    def __iter__(self) -> Iterator[Pair]:
        rng = np.random.default_rng(0)
        for i in range(60):
            target = np.zeros((32, 40, 1), np.float32)
            chances = rng.uniform(0.0, 0.3, target.shape)
            size = int(rng.integers(6, 28))
            target[2 : 2 + size, 2:30] = i % 3 > 0
            chances[2 : 2 + size, 2:30] = 0.9
            chances[2 : 2 + size, 2 : 2 if i % 3 else 16] = 0.5
            yield Pair(target, chances.astype(np.float32), str(i))


def by_decisions(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """A metric that is not computed from counts."""
    return MAP_OF_IOU.score(pairs)


@pytest.mark.parametrize("metric", [DICE, MAP_OF_IOU, replace(MAP_OF_IOU, score=by_decisions)])
def test_the_fit_finds_the_least_confidence(metric: Metric) -> None:
    threshold, area, confidence = fit_masks(Unsure(), metric, 0, 1)
    assert threshold <= 0.5
    assert area == 0
    assert 0.7 < confidence < 0.9
    decided = [(y, decide_masks(p, (threshold, area, confidence))) for y, p in Unsure()]
    assert metric.score(decided) == 1.0


def test_a_mean_over_planes_needs_one_pass() -> None:
    pairs = Images()
    fit_masks(pairs, MAP_OF_IOU, 0, 1)
    assert pairs.reads == 1


def test_every_class_is_fitted_for_itself() -> None:
    params = fit_masks(Images(classes=2), MAP_OF_IOU, 0, 2)
    assert len(params) == 6
    assert params[:3] == params[3:]


def test_without_a_real_gain_the_default_stays() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((20, 10, 10, 1)) > 0.5).astype(np.float32)
    pairs = [Pair(y, y * 0.98 + 0.01, str(i)) for i, y in enumerate(truth)]
    assert fit_masks(pairs, MAP_OF_IOU, 0, 1) == DEFAULT
    assert fit_masks([], MAP_OF_IOU, 0, 2) == DEFAULT * 2


def test_a_metric_of_predictions_is_replaced_by_dice() -> None:
    of_predictions = Metric(name="x", score=lambda _: 0.0, direction="min")
    assert fit_masks(Images(), of_predictions, 0, 1) == fit_masks(Images(), DICE, 0, 1)


def test_a_metric_that_falls_is_made_small() -> None:
    def error(pairs) -> float:
        return float(np.mean([np.abs(y - p).mean() for y, p in pairs]))

    metric = Metric(name="error", score=error, direction="min", takes="decisions")
    assert 0.25 < fit_masks(Images(), metric, 0, 1)[0] < 0.35


def test_a_prediction_that_is_not_finite_stops_the_fit() -> None:
    pair = Pair(np.zeros((2, 2, 1)), np.full((2, 2, 1), np.nan), "a7")
    with pytest.raises(RunError, match="the prediction of a7 is not finite"):
        fit_masks([pair], MAP_OF_IOU, 0, 1)


def test_the_fit_of_submitted_planes_is_that_of_all_planes() -> None:
    """One pass over the pairs, as for the metric itself."""
    passes = []

    class Counted(Images):
        def __iter__(self) -> Iterator[Pair]:
            passes.append(1)
            for pair in super().__iter__():
                target, prediction = (np.concatenate([array] * 2, axis=2) for array in pair)
                yield Pair(target, prediction, pair.id, pair.group)

    of_one = replace(DICE, score=ScoreOfPlanes(DICE.score, (1,)))
    found = fit_masks(Counted(), of_one, 0, 2)
    assert len(passes) == 1
    assert found == fit_masks(Counted(), DICE, 0, 2) != DEFAULT * 2
