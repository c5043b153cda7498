"""Means of parts with intervals."""

from __future__ import annotations

import numpy as np
import pytest

from comp.review.figures.intervals import part_bars, part_means


def test_the_interval_contains_the_mean_and_counts_groups() -> None:
    values = np.repeat(np.random.default_rng(0).standard_normal(20), 50)
    rows = [np.arange(1000)]
    own = part_means(rows, values, [str(i) for i in range(1000)])[0]
    grouped = part_means(rows, values, [str(i // 50) for i in range(1000)])[0]
    for mean, low, high in (own, grouped):
        assert mean == pytest.approx(values.mean())
        assert low is not None
        assert high is not None
        assert low <= mean <= high
    width = [(high or 0) - (low or 0) for _, low, high in (own, grouped)]
    assert width[1] > 3 * width[0]


def test_bars_say_how_many_samples_they_have() -> None:
    bars = part_bars([("a", np.array([0, 1])), ("b", np.array([2]))], np.arange(3.0), list("xyz"))
    assert [(str(bar.note), bar.value) for bar in bars] == [("n=2", 0.5), ("n=1", 2.0)]
    assert bars[1].low == bars[1].high == 2.0
