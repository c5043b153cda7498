"""Three or more exclusive classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from comp.contract.metric import Pair
from comp.tasks.multiclass import multiclass

TASK = multiclass(("x", "y", "z"))


def test_three_classes_are_scored_once() -> None:
    rows = np.eye(3, dtype=np.float32)
    pairs = [Pair(np.float32([i]), rows[i], str(i)) for i in range(3)]
    (found,) = TASK.scores(pairs, (), 0)
    assert found.estimates["accuracy"].value == 1
    assert found.threshold is None


def test_the_decision_is_the_most_probable_class() -> None:
    assert TASK.decision is not None
    assert TASK.decision.apply(np.float32([0.2, 0.5, 0.3]), ()).tolist() == [1]


@pytest.mark.parametrize("target", [3, -1, 0.5, "x", (1,)])
def test_other_targets_are_refused(target: Any) -> None:
    assert "is not one of the 3 classes, which are numbered 0 to 2" in TASK.check(target)
    assert TASK.check(np.int8(2)) == ""


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "b"), range(3), (1, 2, 3)])
def test_wrong_classes_are_refused(classes: Any) -> None:
    with pytest.raises(ValueError, match="classes = "):
        multiclass(classes)
