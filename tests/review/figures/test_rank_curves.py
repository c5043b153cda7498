"""ROC and precision-recall curves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from comp.page.charts import LineChart
from comp.review.figures.rank_curves import (
    POINTS,
    along,
    areas,
    precision_figure,
    rank_curves,
    roc_figure,
)


def noisy(count: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    positive = rng.random(count) < 0.3
    return positive, positive + rng.standard_normal(count)


def test_areas_are_those_of_the_whole_curve() -> None:
    positive, scores = noisy()
    expected = roc_auc_score(positive, scores), average_precision_score(positive, scores)
    assert areas(positive, scores) == pytest.approx(expected)


@pytest.mark.parametrize("truth", [np.ones(5, bool), np.zeros(5, bool)])
def test_one_class_has_no_curve(truth: np.ndarray) -> None:
    assert rank_curves(truth, np.arange(5.0)) is None
    assert np.isnan(areas(truth, np.arange(5.0))).all()


def test_a_drawn_curve_has_few_points_and_the_same_area() -> None:
    positive, scores = noisy()
    curve = rank_curves(positive, scores)
    assert curve is not None
    chart = roc_figure([("a", curve)]).chart
    assert isinstance(chart, LineChart)
    line = chart.series[0]
    assert len(line.x) <= POINTS < len(curve.false_rate)
    assert np.trapezoid(line.y, line.x) == pytest.approx(curve.auc, abs=0.003)
    assert (line.x[0], line.y[0], line.x[-1], line.y[-1]) == (0, 0, 1, 1)


def test_a_guess_is_drawn_at_the_share_of_positives() -> None:
    positive, scores = noisy(200)
    curve = rank_curves(positive, scores)
    assert curve is not None
    chart = precision_figure([("a", curve)], 0.3).chart
    assert isinstance(chart, LineChart)
    assert list(chart.series[-1].y) == [0.3, 0.3]


def test_points_follow_the_length_of_a_curve_not_its_samples() -> None:
    x = np.concatenate([np.linspace(0, 0.01, 1000), np.linspace(0.01, 1, 1000)])
    rows = along(x, np.zeros(2000), 50)
    assert (x[rows] > 0.02).sum() > 40
