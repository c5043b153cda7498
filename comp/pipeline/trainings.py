"""The tasks of a run on an engine: start them, replay what they report, and wait for them."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.data.images.prepare import make_reader, without_skipped
from comp.engines.engine import Engine, TaskDiedError
from comp.errors import RunError
from comp.pipeline.fold_task import FoldTask, run_task
from comp.pipeline.placed import task_config, task_threads
from comp.pipeline.run_inputs import RunContext
from comp.runs.progress import Reporter
from comp.signals import Stopped, stop_if_requested

POLL_S = 0.1
"""Seconds between two looks at what the tasks report."""
GRACE_S = 60.0
"""Seconds in which tasks must save their state; then the engine kills them."""


class Trainings:
    """The tasks that an engine runs now.

    Args:
        reporter: gets what the tasks report.
    """

    def __init__(self, engine: Engine, context: RunContext, reporter: Reporter) -> None:
        self.engine, self._context, self._reporter = engine, context, reporter
        self._running: dict[Future[Any], FoldTask] = {}

    @property
    def running(self) -> list[FoldTask]:
        """The tasks that have not ended."""
        return list(self._running.values())

    def start(
        self,
        task: FoldTask,
        config: RunConfig,
        place: Path,
        steps: int | None,
        seconds: float | None,
    ) -> None:
        """Start a task; the arguments are those of `comp.pipeline.fold_task.run_task`."""
        data, folder = self._context.inputs.source.root, self._context.folder.path
        sent = replace(task, plugin=registry.loaded_hash(config.competition))
        given = (sent, task_config(config), data.absolute(), folder.absolute(), place.absolute())
        future = self.engine.submit(run_task, *given, steps, seconds, task_threads(config))
        self._running[future] = task

    def wait(self) -> list[tuple[FoldTask, Any]]:
        """Wait until at least one task has ended; returns those with their results.

        Raises:
            RunError: the process of a task died.
            Stopped: a signal came, here or to the process of a task.
            BaseException: what a task raised.
        """
        while True:
            values: list[tuple[FoldTask, Any]] = []
            for future, task in self._poll():
                del self._running[future]  # if it failed, the others are left to `stop`
                values.append((task, self._result(task, future)))
            if values:
                return values

    def stop(self) -> None:
        """Let the tasks save their state, and wait until they have ended, but not for ever. A note
        names each that may not have saved it."""
        self.engine.stop()
        end = time.monotonic() + GRACE_S
        while self._running and time.monotonic() < end:
            for future, task in self._poll(stopping=True):
                del self._running[future]
                error = future.exception()
                if error and not isinstance(error, Stopped):
                    self._unsaved(task, f"failed too ({type(error).__name__}: {error})")
        for task in self._running.values():
            self._unsaved(task, f"did not end within {GRACE_S:.0f} s")

    def _unsaved(self, task: FoldTask, what: str) -> None:
        self._reporter.note(f"{task.name} {what}: it continues from its last checkpoint")

    def _poll(self, stopping: bool = False) -> list[tuple[Future[Any], FoldTask]]:
        """Replay what the tasks report; returns those that have ended, in the order of folds."""
        ended = wait(self._running, timeout=POLL_S, return_when=FIRST_COMPLETED).done
        replay(self.engine, self._reporter)
        if not stopping:
            stop_if_requested()
        tasks = [(future, self._running[future]) for future in ended]
        return sorted(tasks, key=lambda each: (each[1].fold, each[1].seed))

    def _result(self, task: FoldTask, future: Future[Any]) -> Any:
        try:
            return future.result()
        except TaskDiedError as error:
            raise RunError(
                f"the process of {task.name} died ({error}); the other folds have saved their "
                f"state: continue with 'comp resume {self._context.folder.run_id}'"
            ) from None


def replay(engine: Engine, reporter: Reporter) -> None:
    """Report what the tasks of an engine reported; a note gets the name of its task, once."""
    for task, method, args in engine.events():
        given = args
        if method == "note":
            name, between = (task.part, ", ") if task.full else (task.name, ": ")
            text = args[0].removeprefix(f"fold {task.fold}: ")
            given = (f"{name}{between}{text}" if name else text,)
        getattr(reporter, method)(*given)


def prepare_reader(context: RunContext) -> None:
    """Let the reader of the competition write its files, so that each task finds them."""
    inputs = context.inputs
    readable = without_skipped([*inputs.train, *inputs.test], inputs.images.skipped)
    make_reader(inputs.competition, readable, inputs.config, context.folder.reader_folder)


def tasks_of_seeds(config: RunConfig, fold: int, full: bool = False) -> list[FoldTask]:
    """The trainings of a fold, one for each seed."""
    first = FoldTask(kind="train", fold=fold, of_seeds=config.seeds, full=full)
    return [replace(first, seed=seed) for seed in range(config.seeds)]
