"""Scores of sums are those of the metric."""

from __future__ import annotations

import numpy as np
import pytest

from comp.contract.metric import Metric
from comp.contract.metrics import F1_SAMPLES, F2_SAMPLES, MAP_AT_3, MAP_AT_5
from comp.contract.scoring.sums import sums_of

RNG = np.random.default_rng(0)
SHARES = RNG.random((40, 6), dtype=np.float32)
CLASSES = RNG.integers(0, 6, (40, 1)).astype(np.float32)
LABELS = (RNG.random((40, 6)) < 0.3).astype(np.float32)


@pytest.mark.parametrize(
    ("metric", "targets", "predictions"),
    [
        (MAP_AT_3, CLASSES, SHARES),
        (MAP_AT_5, LABELS, SHARES),
        (F1_SAMPLES, LABELS, LABELS[::-1]),
        (F2_SAMPLES, LABELS, LABELS[::-1]),
    ],
)
def test_means_over_samples_are_sums(
    metric: Metric, targets: np.ndarray, predictions: np.ndarray
) -> None:
    sums = sums_of(metric.score)
    assert sums is not None
    pairs = list(zip(targets, predictions, strict=True))
    drawn = [pairs[row] for row in (0, 0, 3, 9, 39)]
    total = np.sum([sums.of_sample(*pair) for pair in drawn], axis=0)
    assert sums.score(total) == pytest.approx(metric.score(drawn), abs=1e-12)
