"""The numpy of a decision decides as the task itself does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from comp.contract.task import Params, Task
from comp.export.decisions import describe_decision, kind_of
from comp.inference.decisions import FittedDecisions
from comp.tasks.binary import binary
from comp.tasks.image_to_image import image_to_image
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.segmentation import segmentation

TASKS: dict[str, tuple[Task, Params, tuple[int, ...]]] = {
    "second class": (binary(("a", "b")), (0.3,), (64, 1)),
    "most probable": (multiclass(("a", "b", "c")), (), (64, 3)),
    "each label": (multilabel(("a", "b")), (0.2, 0.7), (64, 2)),
    "cuts": (ordinal(4), (0.2, 0.4, 0.8), (64, 1)),
    "masks": (segmentation(("a", "b")), (0.5, 30.0, 0.7, 0.6, 28.0, 0.8), (32, 8, 8, 2)),
    "exclusive masks": (segmentation(("a", "b"), exclusive=True), (), (8, 5, 6, 2)),
}


def described(task: Task, params: Params, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    names = task.decision.names if task.decision else ()
    fitted = FittedDecisions(names=names, params=params, by_fold={})
    patch.setattr("comp.export.decisions.fitted_decisions", lambda _run: fitted)
    run: Any = SimpleNamespace(competition=SimpleNamespace(task=task))
    return describe_decision(run)


@pytest.mark.parametrize("kind", TASKS)
def test_the_numpy_decides_as_the_task_does(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task, params, shape = TASKS[kind]
    found = described(task, params, monkeypatch)
    assert found["kind"] == kind == kind_of(task)
    prediction = np.random.default_rng(0).random(shape, dtype=np.float32)
    known: dict[str, Any] = {"np": np, "params": list(params), "prediction": prediction}
    exec(found["numpy"], known)
    assert task.decision is not None
    wanted = np.stack([task.decision.apply(one, params) for one in prediction])
    answer = np.asarray(known["answer"])
    if kind == "exclusive masks":
        answer = answer[..., None] == np.arange(2)
    elif kind in ("second class", "cuts") or (kind == "most probable" and wanted.ndim == 2):
        answer = answer.reshape(len(answer), -1)
    assert np.array_equal(answer.astype(np.float32), wanted.reshape(answer.shape))
    assert len(np.unique(wanted)) > 1


def test_without_a_decision_the_prediction_is_the_answer() -> None:
    assert kind_of(image_to_image()) == "none"
