"""Mean and standard deviation of training targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.contract.sample import Sample
from comp.tasks.target_scale import target_array, target_scale


def test_numbers_and_several_numbers_become_rows() -> None:
    samples = [
        Sample(id=str(i), image=Path("x"), target=t) for i, t in enumerate([1, np.float32(2)])
    ]
    assert target_array(samples).tolist() == [[1], [2]]
    samples = [
        Sample(id="a", image=Path("x"), target=(1, 2)),
        Sample(id="b", image=Path("x"), target=[3, 4]),
    ]
    assert target_array(samples).tolist() == [[1, 2], [3, 4]]


def test_the_scale_of_each_column() -> None:
    mean, std = target_scale(np.array([[0.0, 100.0], [2.0, 300.0]]))
    assert (mean.tolist(), std.tolist()) == ([1, 200], [1, 100])


@pytest.mark.parametrize("value", [0.1, 1e-12, 7e9])
def test_a_constant_column_is_divided_by_one(value: float) -> None:
    """The standard deviation of equal numbers may be 1e-17 instead of 0."""
    assert target_scale(np.full((7, 1), value))[1].tolist() == [1]
