"""Scores against a threshold."""

from __future__ import annotations

import numpy as np
import pytest

from comp.contract.metric import Metric, Pair, array_metric
from comp.contract.metrics import ACCURACY, F1
from comp.review.figures.thresholds import counts, grid, metric_at


def few() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    positive = rng.random(60) < 0.4
    return positive, np.round(rng.random(60) * 0.5 + 0.3 * positive, 1)


def test_counts_are_those_of_each_decision() -> None:
    positive, scores = few()
    thresholds = np.array([0.0, 0.2, 0.3, 0.55, 2.0])
    found = counts(positive, scores, thresholds)
    for index, threshold in enumerate(thresholds):
        decided = scores >= threshold
        assert found.true_positives[index] == (decided & positive).sum()
        assert found.false_positives[index] == (decided & ~positive).sum()
    assert found.recall[[0, -1]].tolist() == [1, 0]
    assert np.isnan(found.precision[-1])
    assert found.f1[-1] == 0


def test_the_grid_has_the_submitted_threshold_and_both_ends() -> None:
    tried = grid(np.array([0.2, 0.3]), [0.5])
    assert tried[[0, -1]].tolist() == [0.2, 0.5]
    assert 0.5 in tried


def share_of_hits(targets: np.ndarray, decided: np.ndarray) -> float:
    return float((targets == decided).mean() ** 2)


SLOW = array_metric("own", share_of_hits, "max", takes="decisions")


@pytest.mark.parametrize("metric", [ACCURACY, F1, SLOW], ids=lambda metric: metric.name)
def test_the_metric_is_that_of_all_decisions(metric: Metric) -> None:
    positive, scores = few()
    found = metric_at(metric, positive, scores, np.linspace(0, 1, 41))
    assert found is not None
    for threshold, value in zip(*found, strict=True):
        pairs = [
            Pair(np.array([float(t)]), np.array([float(s >= threshold)]), str(i))
            for i, (t, s) in enumerate(zip(positive, scores, strict=True))
        ]
        assert value == pytest.approx(metric.score(pairs), nan_ok=True)
    assert len(found[0]) == (21 if metric is SLOW else 41)


def by_sample(
    _targets: np.ndarray, _decided: np.ndarray, ids: list[str], groups: list[str]
) -> float:
    return float(len(set(ids)) + len(groups))


def test_no_curve_of_a_metric_that_needs_the_ids() -> None:
    metric = array_metric("by sample", by_sample, "max", takes="decisions", with_ids=True)
    assert metric_at(metric, *few(), np.linspace(0, 1, 11)) is None
