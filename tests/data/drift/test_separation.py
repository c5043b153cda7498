"""Adversarial validation on simulated statistics."""

from __future__ import annotations

import numpy as np
import pytest

from comp.data.drift import separation
from comp.data.drift.separation import Fit, fit_components, fit_linear, fit_trees, separate

NAMES = tuple("abcdefgh")


@pytest.fixture(autouse=True)
def one_split_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """For speed."""
    monkeypatch.setattr(separation, "HALVES", 1)


def normal(rows: int, columns: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns))


SIDES = np.arange(300) >= 180


@pytest.mark.parametrize("fit", [fit_linear, fit_trees, fit_components])
def test_a_shift_is_seen_by_each_classifier_and_named_first(fit: Fit) -> None:
    values = normal(300)
    values[SIDES, 2] += 1
    found = separate(values, NAMES, SIDES, np.arange(300), fit)
    assert found.auc.low > 0.52
    assert found.features[0].name == "c"
    assert found.features[0].auc > 0.7
    assert found.features[0].test > found.features[0].train
    assert found.scores[SIDES].mean() > found.scores[~SIDES].mean()
    assert 0.35 < found.halves < 0.65


def test_a_wider_distribution_outliers_and_gaps_are_seen() -> None:
    values = normal(300)
    values[SIDES, 0] *= 3
    values[:, 1] = np.exp(9 * values[:, 1])
    values[::7, 3] = np.nan
    found = separate(values, NAMES, SIDES, np.arange(300), fit_linear)
    assert found.auc.low > 0.52
    assert found.features == []  # no median moves


def test_features_without_a_name_are_not_named() -> None:
    values = normal(300)
    values[SIDES, 2] += 1
    names = ["", "b", "", "d", "e", "f", "g", "h"]
    assert separate(values, names, SIDES, np.arange(300), fit_linear).features == []


def test_a_sample_of_a_group_never_helps_to_tell_another_one() -> None:
    """Each group has its own point far away: with samples of a group on both sides of a fold, the
    side of all would be known."""
    points, groups = normal(60, 40, seed=3), np.repeat(np.arange(60), 5)
    values = points[groups] + normal(300, 40) / 50
    sides = np.random.default_rng(0).permutation(60)[groups] >= 30
    known = separate(values, (), sides, groups, fit_linear)
    hidden = separate(values, (), sides, np.arange(300), fit_linear)
    assert hidden.auc.low > 0.8
    assert known.auc.low < 0.52
    lone = separate(values, (), sides, groups, fit_linear, lone=True)
    assert lone.halves > 0.7 > known.halves
