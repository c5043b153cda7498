"""Measures what a fold costs in the processes of an engine, in all of them at the same time."""

from __future__ import annotations

from concurrent.futures import wait
from pathlib import Path

from comp.config.schema import RunConfig
from comp.engines.engine import Engine, TaskDiedError
from comp.errors import RunError
from comp.pipeline.fold_task import time_task
from comp.pipeline.placed import task_config, task_threads
from comp.pipeline.timing import ContextChange, TimeFold
from comp.runs.progress import Reporter
from comp.signals import stop_if_requested
from comp.training.budget import FoldCost


def timer(engine: Engine | None) -> TimeFold | None:
    """A measurement on an engine: of the processes, which share memory and cores, the slowest one
    counts. None without an engine."""
    if engine is None:
        return None

    def time_one(
        config: RunConfig,
        fold: int,
        data: Path,
        folder: Path,
        reporter: Reporter,
        _change: ContextChange,
    ) -> FoldCost:
        paths = data.absolute(), folder.absolute()
        futures = [
            engine.submit(time_task, task_config(config), fold, *paths, task_threads(config))
            for _ in range(engine.slots)
        ]
        while wait(futures, timeout=0.1).not_done:
            stop_if_requested()
        notes = [args for _, method, args in engine.events() if method == "note"]
        for (text,) in dict.fromkeys(notes):
            reporter.note(text)
        try:
            costs = [future.result() for future in futures]
        except TaskDiedError as error:
            raise RunError(
                f"a process that measures the speed died ({error}): use fewer --jobs, or a smaller "
                "loader.batch_size"
            ) from None
        slowest: FoldCost = max(costs, key=lambda cost: cost.step_s)
        return slowest

    return time_one
