"""Scores of masks against values by hand."""

from __future__ import annotations

import pickle
from dataclasses import asdict

import numpy as np
import pytest

from comp.contract.metric import Pair
from comp.contract.metrics import DICE, IOU
from comp.contract.scoring.masks import dice
from comp.tasks.mask_decision import decide_masks
from comp.tasks.mask_scores import Planes, ScoreOfPlanes, mask_scores


def pairs(classes: int = 1, count: int = 12) -> list[Pair]:
    rng = np.random.default_rng(1)
    result = []
    for i in range(count):
        target = (rng.random((6, 7, classes)) > 0.5).astype(np.float32) * (i % 3 > 0)
        chances = np.clip(0.6 * target + rng.uniform(0, 0.45, target.shape), 0, 1)
        result.append(Pair(target, chances.astype(np.float32), str(i), f"g{i // 2}"))
    return result


def test_the_scores_are_those_of_the_metrics_at_each_of_the_parameters() -> None:
    for params, scores in zip(
        [(0.5, 0.0, 0.0), (0.7, 3.0, 0.0)],
        mask_scores(("salt",), pairs(), decide_masks, [(0.5, 0.0, 0.0), (0.7, 3.0, 0.0)], 0),
        strict=True,
    ):
        decided = [(y, decide_masks(p, params)) for y, p in pairs()]
        assert scores.estimates["dice"].value == pytest.approx(DICE.score(decided))
        assert scores.estimates["iou"].value == pytest.approx(IOU.score(decided))
        same = [y.any() == mask.any() for y, mask in decided]
        assert scores.estimates["empty_or_not"].value == pytest.approx(np.mean(same))
        assert scores.threshold == params[0]
        assert (scores.n, scores.n_groups, scores.positives) == (12, 6, 8)
        assert sum(map(sum, scores.confusion)) == 12
        for estimate in scores.estimates.values():
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        assert asdict(scores)


def test_the_heading_tells_the_default_parameters_from_those_that_are_submitted() -> None:
    default, tuned = (0.5, 0.0, 0.0), (0.5, 0.0, 0.7)
    one = mask_scores(("salt",), pairs(), decide_masks, [default, tuned], 0)
    (several,) = mask_scores(("a", "b"), pairs(classes=2), decide_masks, [tuned * 2], 0)
    assert [each.heading for each in (*one, several)] == ["at 0.5", "as submitted", "as submitted"]


def test_the_confusion_has_the_empty_masks_in_the_first_row() -> None:
    full, empty = np.ones((2, 2, 1), np.float32), np.zeros((2, 2, 1), np.float32)
    listed = [Pair(empty, full), Pair(full, full), Pair(full, full)]
    (scores,) = mask_scores(("a",), listed, decide_masks, [(0.5, 0.0, 0.0)], 0)
    assert scores.confusion == ((0, 1), (0, 2))


def test_several_classes_have_a_dice_each() -> None:
    listed = pairs(classes=2)
    (scores,) = mask_scores(("car", "road"), listed, decide_masks, [(0.5, 0.0, 0.0) * 2], 0)
    both = [(y, decide_masks(p, (0.5, 0.0, 0.0) * 2)) for y, p in listed]
    for index, name in enumerate(("car", "road")):
        single = [(y[..., [index]], mask[..., [index]]) for y, mask in both]
        assert scores.estimates[f"dice of {name}"].value == pytest.approx(DICE.score(single))
    assert scores.estimates["dice"].value == pytest.approx(DICE.score(both))
    assert scores.threshold is None


def test_a_score_of_planes_sees_these_alone() -> None:
    rng = np.random.default_rng(0)
    target, decided = rng.integers(0, 2, (2, 6, 7, 3)).astype(np.float32)
    score = pickle.loads(pickle.dumps(ScoreOfPlanes(dice, (2,))))  # noqa: S301
    pairs = [Pair(target, decided, "a", "g")]
    assert score(pairs) == dice([(target[..., 2:], decided[..., 2:])]) != dice(pairs)
    seen = next(iter(Planes(iter(pairs), (2,))))
    assert (seen.id, seen.group) == ("a", "g")
