"""Areas under ROC curves of many draws at once."""

from __future__ import annotations

import numpy as np
import pytest

from comp.inference.areas import areas_of
from comp.inference.measures import weighted_auc


@pytest.mark.parametrize("classes", [2, 40])
@pytest.mark.parametrize("decimals", [1, 9])
def test_each_area_is_that_of_one_draw(classes: int, decimals: int) -> None:
    """With few classes the positive samples are many, with one decimal many scores are tied."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, classes, 400)
    positive = truth[:, None] == np.arange(classes)
    scores = np.round(rng.random((400, classes)) + 0.3 * positive, decimals)
    weights = rng.integers(0, 4, (400, 5))
    expected = [
        [weighted_auc(p, np.unique(s, return_inverse=True)[1], w) for p, s in columns]
        for w in weights.T
        for columns in [list(zip(positive.T, scores.T, strict=True))]
    ]
    assert np.array_equal(areas_of(positive, scores, weights.astype(np.float32)), expected)


def test_a_draw_without_one_of_the_sides_has_no_area() -> None:
    positive = np.array([[True, True, False]] + [[False, True, False]] * 9)
    weights = np.ones((10, 2), dtype=np.float32)
    weights[0, 1] = 0
    areas = areas_of(positive, np.arange(30.0).reshape(10, 3), weights)
    assert np.isnan(areas[:, 1:]).all()
    assert areas[0, 0] == 0
    assert np.isnan(areas[1, 0])
