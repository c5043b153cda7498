"""Rows that can be drawn."""

from __future__ import annotations

import numpy as np
from reported import texts

from comp.review.facts import NumberOof
from comp.review.figures.rows import chosen_rows, finite_rows

NUMBERS = NumberOof(
    ids=["a", "b", "c"],
    folds=np.array([0, 1, 0]),
    groups=["g", "h", "g"],
    targets=np.array([[0.0], [1.0], [1.0]]),
    predictions=np.array([[0.2], [np.nan], [0.7]]),
    decided=np.array([[0.0], [np.nan], [1.0]]),
    params=(0.5,),
)


def test_predictions_that_are_not_finite_are_left_out_with_a_word() -> None:
    kept, blocks = finite_rows(NUMBERS)
    assert list(kept.ids) == ["a", "c"]
    assert list(kept.groups) == ["g", "g"]
    assert kept.decided is not None
    assert kept.decided[:, 0].tolist() == [0, 1]
    assert "1 of 3 predictions" in texts(blocks)


def test_finite_predictions_stay_as_they_are() -> None:
    fine = chosen_rows(NUMBERS, np.array([True, False, True]))
    kept, blocks = finite_rows(fine)
    assert kept is fine
    assert blocks == []
