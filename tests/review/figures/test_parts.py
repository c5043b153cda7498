"""Parts of the samples."""

from __future__ import annotations

import numpy as np

from comp.review.figures.parts import parts_of


def test_parts_have_equal_sizes_and_rise() -> None:
    values = np.random.default_rng(0).permutation(100).astype(float)
    parts = parts_of(values, 4)
    assert [len(part) for part in parts] == [25] * 4
    assert [values[part].max() for part in parts[:-1]] < [values[part].min() for part in parts[1:]]


def test_equal_values_stay_together_and_no_sample_is_lost() -> None:
    values = np.array([0.0] * 90 + list(range(1, 11)))
    parts = parts_of(values, 5)
    assert sorted(np.concatenate(parts).tolist()) == list(range(100))
    assert len(np.unique(values[parts[0]])) == 1
    assert len(parts_of(np.ones(9), 3)) == 1
