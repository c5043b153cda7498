"""What an engine does for a run, in a process of its own: it trains a fold with one seed, or
measures what a fold costs.

Such a process writes into the folder of its fold only. What it has to say it sends as an event:
(task, name of a method of the reporter, arguments).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import torch

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.engines.engine import RETRY
from comp.errors import RunError
from comp.files import is_locked, make_folder, take_lock
from comp.pipeline.fold import fit_fold
from comp.pipeline.members import read_result
from comp.pipeline.seeded_fold import fit_seed_estimators, fit_seeds
from comp.pipeline.seeds import trainings
from comp.pipeline.timing import time_fold
from comp.report.libraries import quiet_libraries
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, Step
from comp.runs.results import FoldResult
from comp.training.budget import FoldCost
from comp.training.checkpoint import META
from comp.training.elsewhere import run_device

FOLD_LOCK = "fold.lock"
"""Locked by the process that trains a fold, or one of its seeds; it may outlive that of the run."""
LOCK_AFTER_DEATH_S = 120.0
"""Seconds that a task waits for the lock of its process before, whose node died: that may still
run, and a disk in the network releases the locks of a dead machine late."""

Kind = Literal["estimators", "train", "join"]
"""Fit the models that are not networks, train with one seed, or average all seeds."""


@dataclass(frozen=True, kw_only=True)
class FoldTask:
    """A part of the work on a fold, or on the full model. `seed` counts from 0; `of_seeds` is their
    number. `plugin` is the `loaded_hash` of the competition in the process of the run."""

    kind: Kind
    fold: int
    seed: int = 0
    of_seeds: int = 1
    full: bool = False
    plugin: str = ""

    @property
    def part(self) -> str:
        """Which training of the fold it is; "" if the fold has only one."""
        several = self.kind == "train" and self.of_seeds > 1
        return f"seed {self.seed + 1} of {self.of_seeds}" if several else ""

    @property
    def name(self) -> str:
        """The fold and the training, for messages."""
        fold = "the full model" if self.full else f"fold {self.fold}"
        return f"{fold}, {self.part}" if self.part else fold


Report = Callable[[Any], None]


def run_task(
    task: FoldTask,
    config: RunConfig,
    data: Path,
    folder: Path,
    place: Path,
    steps: int | None,
    seconds: float | None,
    threads: int | None,
    report: Report,
) -> FoldResult | float:
    """Do a task; returns the result of a training, or the seconds of the estimators.

    Args:
        place: the folder of the fold.
        steps, seconds: as in `comp.pipeline.fold.fit_fold`.
        threads: of torch; None leaves their number as it is.
        report: gets the events.

    Raises:
        RunError: another process trains the fold, the plugin changed, or the training failed.
        Stopped: the engine stops the task; its state is saved.
    """
    _start(threads)
    _check_plugin(task, config.competition)
    reporter = cast(Reporter, EventReporter(task, report))
    one, seed_place = trainings(config, place)[task.seed]
    make_folder(place)
    make_folder(seed_place)
    if os.environ.get(RETRY):
        reporter.note(f"started again, from its last checkpoint, because {os.environ[RETRY]}")
    with _fold_lock(seed_place if task.kind == "train" else place, task):
        if task.kind == "estimators":
            return fit_seed_estimators(config, task.fold, data, folder, reporter, seconds, place)
        if task.kind == "join":
            return fit_seeds(config, task.fold, data, folder, steps, reporter, seconds, place)
        (place / META).unlink(missing_ok=True)
        finished = read_result(seed_place, one) if seed_place != place else None
        if finished is None:
            _note_other_gpu(config, folder, reporter)
        return finished or fit_fold(
            one, task.fold, data, folder, steps, reporter, seconds, seed_place
        )


def _note_other_gpu(config: RunConfig, folder: Path, reporter: Reporter) -> None:
    """Say if this process has another GPU than run.json names: nodes of a cluster may differ."""
    if config.device == "cuda":
        recorded, here = str(RunFolder(folder).record().get("device")), run_device(config)[1]
        if recorded.partition(" ")[2] != here.partition(" ")[2]:
            reporter.note(f"trains on {here}; run.json names {recorded}")


def time_task(
    config: RunConfig, fold: int, data: Path, folder: Path, threads: int | None, report: Report
) -> FoldCost:
    """Measure what a fold costs, as `comp.pipeline.timing.time_fold`, in the process of a task."""
    _start(threads)
    task = FoldTask(kind="train", fold=fold)
    return time_fold(config, fold, data, folder, cast(Reporter, EventReporter(task, report)))


def _start(threads: int | None) -> None:
    quiet_libraries()
    if threads:
        torch.set_num_threads(threads)


def _check_plugin(task: FoldTask, name: str) -> None:
    """This process imports the plugin later than that of the run, which may be an old notebook.

    Raises:
        RunError: its files changed in between, so the results would be of two programs.
    """
    if registry.loaded_hash(name) != task.plugin:
        raise RunError(
            f"the plugin of {name} changed after the run had loaded it, so {task.name} would train "
            "with another program than the rest of the run: start a new run, in a notebook after "
            "a restart of Python"
        )


@contextmanager
def _fold_lock(folder: Path, task: FoldTask) -> Iterator[None]:
    """Lock a fold.

    Raises:
        RunError: another process trains it.
    """
    try:
        wait_s = LOCK_AFTER_DEATH_S if os.environ.get(RETRY) else 1
        lock = take_lock(folder / FOLD_LOCK, timeout_s=wait_s, warn=lambda _: None)
    except TimeoutError:
        raise RunError(
            f"another process trains {task.name} of this run: wait for it, then continue with "
            "'comp resume'"
        ) from None
    with lock:
        yield


def locked_folds(folder: RunFolder) -> list[str]:
    """The parts of a run that a process trains, such as "fold-0" or "fold-0/seed-1", sorted."""
    locks = [
        path for part in ("fold-*", "full") for path in folder.path.glob(f"{part}/{FOLD_LOCK}")
    ]
    locks += folder.path.glob(f"*/seed-*/{FOLD_LOCK}")
    return sorted(
        path.parent.relative_to(folder.path).as_posix() for path in locks if is_locked(path)
    )


@dataclass(frozen=True)
class EventReporter:
    """A reporter whose calls are events."""

    task: FoldTask
    report: Report

    def step(self, step: Step) -> None:
        """Send the progress, with the name of the training."""
        part = " ".join(filter(None, (self.task.part, step.part)))
        self.report((self.task, "step", (replace(step, part=part),)))

    def __getattr__(self, name: str) -> Callable[..., None]:
        """The other methods of a reporter."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args: self.report((self.task, name, args))
