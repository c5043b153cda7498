"""Tasks that end: one that fails hides no other, and what may not be saved is named."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from comp.config.schema import resolve
from comp.engines.engine import TaskDiedError
from comp.errors import DiskError, RunError
from comp.pipeline import trainings
from comp.pipeline.run_inputs import RunContext
from comp.pipeline.trainings import Trainings, tasks_of_seeds
from comp.runs.progress import Silent
from comp.signals import Stopped


class Ended:
    """An engine whose tasks have ended with these exceptions; None: it still runs."""

    slots = 4

    def __init__(self, *errors: BaseException | None) -> None:
        self._errors = iter(errors)

    def submit(self, *_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        error = next(self._errors)
        if error:
            future.set_exception(error)
        return future

    def events(self) -> list[Any]:
        return []

    def stop(self) -> None:
        pass


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def start(notes: Notes, *errors: BaseException | None) -> Trainings:
    folder = SimpleNamespace(path=Path("run"), run_id="run")
    inputs = SimpleNamespace(source=SimpleNamespace(root=Path("data")))
    context = cast(RunContext, SimpleNamespace(folder=folder, inputs=inputs))
    started = Trainings(cast(Any, Ended(*errors)), context, notes)
    config = resolve("toy", [{"device": "cpu"}])
    for fold in range(len(errors)):
        (task,) = tasks_of_seeds(config, fold)
        started.start(task, config, Path(f"fold-{fold}"), None, None)
    return started


def test_tasks_that_fail_at_the_same_time_are_all_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainings, "GRACE_S", 0.3)
    monkeypatch.setattr(trainings.registry, "loaded_hash", lambda _: "")
    notes = Notes()
    died, full = TaskDiedError("killed by SIGKILL"), DiskError("no space")
    running = start(notes, died, full, Stopped(15), None)
    with pytest.raises(RunError, match="the process of fold 0 died"):
        running.wait()
    running.stop()
    assert [note.partition(":")[0] for note in notes.notes] == [
        "fold 1 failed too (DiskError",
        "fold 3 did not end within 0 s",
    ]
    assert all("continues from its last checkpoint" in note for note in notes.notes)
