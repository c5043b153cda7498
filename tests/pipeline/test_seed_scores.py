"""The scores of the seeds of a run."""

from __future__ import annotations

import math

import pytest

from comp.pipeline.seed_scores import deviation


def test_the_deviation_of_scores_that_are_not_defined_is_not_defined() -> None:
    """A fold of one class has no AUC, and a run must not stop at its end for that."""
    assert math.isnan(deviation([math.nan, 0.5, 0.75]))
    assert deviation([0.5]) == 0.0
    assert deviation([0.5, 1.0]) == pytest.approx(0.125**0.5)
