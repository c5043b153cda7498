"""Calibration diagrams."""

from __future__ import annotations

import numpy as np
import pytest
from reported import texts
from sklearn.calibration import calibration_curve

from comp.inference.measures import BINS
from comp.page.blocks import Figure
from comp.page.charts import LineChart
from comp.page.words import say
from comp.review.figures.calibration import calibration, calibration_blocks


def test_the_error_is_the_mean_gap_of_the_points() -> None:
    rng = np.random.default_rng(0)
    chances = rng.random(2000)
    found = calibration(rng.random(2000) < chances**2, chances)
    gaps = np.abs(found.chance - found.share)
    assert found.error == pytest.approx((gaps * found.count).sum() / 2000)
    assert found.count.sum() == 2000


def test_the_points_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    chances = np.concatenate([rng.random(300).round(2), np.arange(16) / 15])
    chances = chances[(chances < 0.4) | (chances > 0.6)]  # some bins are empty
    hits = rng.random(len(chances)) < chances
    share, chance = calibration_curve(hits, chances, n_bins=BINS)
    found = calibration(hits, chances)
    np.testing.assert_allclose(found.share, share)
    np.testing.assert_allclose(found.chance, chance)
    assert len(found.count) == len(share) < BINS


@pytest.mark.parametrize(
    ("chance", "word"), [(0.9, "too high"), (0.1, "too low"), (0.5, "are right")]
)
def test_words_say_in_which_direction_probabilities_are_wrong(chance: float, word: str) -> None:
    hits = np.arange(100) % 2 == 0
    assert word in texts(calibration_blocks(hits, np.full(100, chance), say("x")))


def test_without_samples_there_is_no_diagram() -> None:
    assert calibration_blocks(np.empty(0, bool), np.empty(0), say("x")) == []


def test_probabilities_at_the_ends_are_in_the_chart() -> None:
    blocks = calibration_blocks(np.array([False, True, True]), np.array([0.0, 1.0, 1.0]), "x")
    chart = next(b.chart for b in blocks if isinstance(b, Figure))
    assert isinstance(chart, LineChart)
    assert list(chart.series[0].labels) == ["n = 1", "n = 2"]
