"""Pixels of masks, and scores made from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from squares import image_runs

from comp.contract.metrics import AUC, DICE, MAP_OF_IOU
from comp.contract.task import decisions
from comp.review.figures.image_items import image_items
from comp.review.figures.mask_counts import (
    by_area,
    by_threshold,
    count_masks,
    fits_planes,
    score_of_planes,
)
from comp.tasks.image_to_image import image_to_image
from comp.tasks.mask_decision import THRESHOLDS
from comp.tasks.segmentation import segmentation


def test_scores_of_masks_are_those_of_the_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = image_runs(tmp_path, monkeypatch, 8)
    assert facts.oof is not None
    assert facts.decisions is not None
    items = iter(image_items(facts.oof))
    table, counts = count_masks(items, facts.task, facts.metric, facts.decisions, planes=True)
    name, of_planes = score_of_planes(facts.metric)
    assert name == facts.metric.name
    assert table.scores(of_planes).mean() == pytest.approx(facts.scores["cv_score"])
    assert table.target[:, 0].tolist() == [0, 16, 64, 144] * 2
    assert counts is not None
    for index in (0, len(THRESHOLDS) // 2):
        pairs = decisions(facts.task, facts.oof.pairs(), (THRESHOLDS[index], 20.0, 0.0))
        curve = by_threshold(counts, 0, of_planes, 20.0, 0.0)
        assert curve[index] == pytest.approx(facts.metric.score(pairs))
    areas = by_area(counts, 0, of_planes, (0.5, 0.0, 0.0), [0, 20, 1000])
    assert areas[0] == pytest.approx(facts.scores["cv_score"])
    assert areas[2] == pytest.approx(0.25)


def test_a_metric_of_predictions_is_replaced_by_dice() -> None:
    assert score_of_planes(MAP_OF_IOU)[0] == MAP_OF_IOU.name
    assert score_of_planes(AUC)[0] == DICE.name == "Dice" or score_of_planes(AUC)[0] == "Dice"


def test_only_a_fitted_decision_of_masks_has_curves() -> None:
    assert fits_planes(segmentation(("a", "b")))
    assert not fits_planes(segmentation(("background", "a"), exclusive=True))
    assert not fits_planes(image_to_image())


def test_no_curves_are_counted_without_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = image_runs(tmp_path, monkeypatch, 4, diverged={"s3"})
    assert facts.oof is not None
    assert facts.decisions is not None
    items = iter(image_items(facts.oof))
    table, counts = count_masks(items, facts.task, facts.metric, facts.decisions, planes=False)
    assert counts is None
    assert len(table.ids) == 3
    assert np.array_equal(table.pixels, [576] * 3)
