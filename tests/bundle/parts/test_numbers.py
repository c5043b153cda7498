"""Predictions that are numbers, with broken images in their place."""

from __future__ import annotations

import numpy as np
import pytest

from comp.bundle.parts.numbers import numbers_of
from comp.bundle.parts.predictions import Predicted
from comp.errors import DataError


def test_the_mean_is_that_of_the_good_predictions() -> None:
    predicted = [Predicted(0, None, np.float32([1, 2])), Predicted(2, None, np.float32([3, 6]))]
    values = numbers_of([None] * 3, iter(predicted), {1: None})  # type: ignore[list-item]
    assert values.tolist() == [[1, 2], [2, 4], [3, 6]]
    with pytest.raises(DataError, match="no image"):
        numbers_of([], iter([]), {})
