"""A task of an engine: its lock, its names, and what it reports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from comp.contract import registry
from comp.errors import RunError
from comp.pipeline.fold_task import (
    FOLD_LOCK,
    EventReporter,
    FoldTask,
    _check_plugin,
    _fold_lock,
)
from comp.runs.progress import Step

TASK = FoldTask(kind="train", fold=2, seed=1, of_seeds=3)


def test_a_fold_is_trained_by_one_process(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / FOLD_LOCK),
        pytest.raises(RunError, match="another process trains fold 2, seed 2 of 3"),
        _fold_lock(tmp_path, TASK),
    ):
        raise AssertionError
    with _fold_lock(tmp_path, TASK):
        pass


def test_events_name_the_task_and_the_training() -> None:
    events: list[Any] = []
    reporter = EventReporter(TASK, events.append)
    step = Step(fold=2, epoch=1, epochs=1, step=1, steps=2, loss=0.1, lr=0.1, rate=1.0)
    reporter.step(step)
    reporter.predicted(2, 5, 10)
    (_, method, (sent,)), predicted = events
    assert (method, sent.part, sent.step) == ("step", "seed 2 of 3", 1)
    assert predicted == (TASK, "predicted", (2, 5, 10))
    assert FoldTask(kind="join", fold=5, full=True).name == "the full model"


def test_a_process_that_loaded_another_plugin_does_not_train(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "loaded_hash", lambda _: "new")
    _check_plugin(replace(TASK, plugin="new"), "digits")
    with pytest.raises(RunError, match=r"plugin of digits changed .* fold 2, seed 2 of 3 would"):
        _check_plugin(replace(TASK, plugin="old"), "digits")
