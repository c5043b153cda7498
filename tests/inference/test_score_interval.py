"""The interval of a score, by groups."""

from __future__ import annotations

import numpy as np
import pytest

from comp.contract.metric import Metric, Pair
from comp.contract.metrics import ACCURACY, AUC, RMSE
from comp.inference.score_interval import score_interval


def pairs(errors: np.ndarray, size: int = 1) -> list[Pair]:
    """Numbers with errors; each group has `size` of them."""
    rows = np.repeat(errors, size)
    zero = np.zeros(1)
    return [Pair(zero, np.array([e]), str(i), f"g{i // size}") for i, e in enumerate(rows)]


def test_groups_are_drawn_whole() -> None:
    rng = np.random.default_rng(0)
    errors = rng.normal(size=400)
    value, low, high = score_interval(RMSE, pairs(errors), 0) or (0, 0, 0)
    assert value == pytest.approx(np.sqrt(np.mean(errors**2)))
    error = np.std(errors**2) / np.sqrt(400) / (2 * value)  # of the mean square, by its derivative
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.15)
    _, low4, high4 = score_interval(RMSE, pairs(errors[:100], 4), 0) or (0, 0, 0)
    assert high4 - low4 > 1.4 * (high - low)


def test_a_slow_metric_agrees_with_a_fast_one() -> None:
    data = pairs(np.random.default_rng(1).normal(size=100))
    slow = Metric(name="slow", score=lambda p: RMSE.score(p), direction="min")
    fast, other = score_interval(RMSE, data, 0), score_interval(slow, data, 0)
    assert fast
    assert other
    assert other[0] == fast[0]
    assert other[1:] == pytest.approx(fast[1:], rel=0.1)


def test_no_interval_without_a_score_or_with_few_groups() -> None:
    one_class = [Pair(np.ones(1), np.full(1, i / 9), str(i), None) for i in range(9)]
    assert score_interval(AUC, one_class, 0) is None
    right = score_interval(ACCURACY, [Pair(p[0], p[0], p.id) for p in one_class], 0)
    assert right == (1, pytest.approx(0.025 ** (1 / 9)), 1)  # all draws are right
    assert score_interval(RMSE, pairs(np.arange(4.0)), 0) is None
