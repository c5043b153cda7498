"""The seconds that a run has spent of its budget.

They are the wall-clock time of all commands that worked on the run; the time between a stop and the
next command does not count. run.json contains them since the end of the last fold, or since a stop
or a failure. A process that is killed outright loses those since the last fold that ended.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.errors import CompError
from comp.pipeline.left_out import seconds_more
from comp.pipeline.members import member_config, member_folder, read_result
from comp.pipeline.placed import JOBS
from comp.pipeline.run_inputs import RunContext, RunInputs
from comp.pipeline.seeds import trainings
from comp.runs.folder import RunFolder
from comp.training.state import RESUME, read_checkpoint

RECORD = "spent_s"
"""The key of run.json with the seconds; absent without a budget."""


def record_spent(context: RunContext, began: float) -> None:
    """Write to run.json what is spent of the budget, if the run has one.

    Args:
        began: `time.perf_counter()` when the budget began to count, with what added folds extend
            it.
    """
    if context.inputs.config.budget:
        more = seconds_more(context.folder.record())
        context.folder.update_record(**{RECORD: time.perf_counter() - began + more})


@contextmanager
def spent_recorded(context: RunContext, began: float) -> Iterator[None]:
    """Write what is spent of the budget when the block ends, also by an error or a signal. The
    arguments are those of `record_spent`."""
    try:
        yield
    finally:
        with suppress(CompError, OSError):
            record_spent(context, began)


def seconds_spent(folder: RunFolder, inputs: RunInputs, record: Mapping[str, Any]) -> float:
    """What a run that resumes has spent of its budget, without what added folds extend it.

    Without an entry in run.json, as before the end of the first fold and in runs of earlier
    versions, it is the recorded time of the trainings, divided by the folds at the same time.

    Args:
        record: the contents of run.json.
    """
    if RECORD in record:
        return float(record[RECORD])
    seconds = (_seconds_of_fold(folder, inputs.config, fold) for fold in inputs.folds_to_train)
    return sum(seconds) / float(record.get(JOBS, 1))


def _seconds_of_fold(folder: RunFolder, config: RunConfig, fold: int) -> float:
    result = read_result(folder.fold(fold), config)
    if result:
        return result.seconds
    return sum(
        _seconds_of_model(one, place, name)
        for one, place in trainings(config, folder.fold(fold))
        for name in one.model
    )


def _seconds_of_model(config: RunConfig, fold_folder: Path, name: str) -> float:
    """The recorded seconds of a model in a fold that is not finished."""
    place = member_folder(fold_folder, config, name)
    result = read_result(place, member_config(config, name))
    checkpoint = None if result else read_checkpoint(place / RESUME)
    return result.seconds if result else checkpoint.seconds if checkpoint else 0.0
