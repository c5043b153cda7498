from __future__ import annotations

import numpy as np
import pytest

from comp.bundle.describe_decision import describe_decision
from comp.bundle.parts.decide import decide
from comp.contract.task import Params, Task
from comp.tasks.binary import binary
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression


@pytest.mark.parametrize(
    ("task", "params"),
    [
        (binary(("a", "b")), (0.3,)),
        (binary(("a", "b"), threshold=0.7), None),
        (multiclass(("a", "b", "c")), None),
        (multilabel(("a", "b")), (0.2, 0.8)),
        (ordinal(4), (0.7, 1.2, 2.9)),
    ],
)
def test_a_decision_is_that_of_the_task(task: Task, params: Params | None) -> None:
    section = describe_decision(task, params)
    used = task.decision.default if params is None else params
    assert section["params"] == list(used)
    assert section["labels"] == list(task.labels)
    highest = 3.0 if "grades" in task.kind else 1.0
    predictions = np.random.default_rng(0).uniform(0, highest, (50, task.outputs))
    for prediction in [*predictions.astype(np.float32), np.full(task.outputs, used[:1] or 0.5)]:
        expected = task.decision.apply(prediction, used)
        assert np.array_equal(decide(prediction, section), expected)


def test_a_task_without_decisions_keeps_its_prediction() -> None:
    section = describe_decision(regression(("x", "y")), None)
    prediction = np.float32([1, 2])
    assert decide(prediction, section) is prediction
