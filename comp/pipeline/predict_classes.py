"""The classes that `comp predict` decides, before and after it adapts and re-weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.contract.task import Params
from comp.data.units import units_of
from comp.inference.adaptation import Adaptation
from comp.pipeline.adapted import adaptation_record
from comp.pipeline.class_arrays import OutOfFold, out_of_fold, read_by_fold, rows_of
from comp.pipeline.class_report import (
    changed_decisions,
    class_record,
    prediction_steps,
    reweigh_file,
)
from comp.pipeline.predict_files import TEST
from comp.pipeline.predict_folds import Folds
from comp.runs.folder import RunFolder
from comp.workspace import Workspace


def read_out_of_fold(run: RunFolder, config: RunConfig, workspace: Workspace) -> OutOfFold | None:
    """The out-of-fold predictions with their targets, if `predict.shares` needs them.

    Raises:
        DataError: the data of the run is missing or has changed.
    """
    if config.predict.shares == "none":
        return None
    from comp.pipeline.run_oof import read_run_oof

    found = read_run_oof(run, workspace)
    return out_of_fold(found.pairs(), found.fold_of)


def describe_prediction(
    job: Folds,
    folder: Path,
    params: Params | None,
    adaptations: Sequence[Adaptation],
    oof: OutOfFold | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Re-weight the mean predictions in a folder, if the configuration says so; returns the records
    of the adaptation and of the decided classes, each {} if nothing was changed.

    Args:
        folder: contains the files of `comp.pipeline.predict_folds`.
        params: of the decisions; None: the default.
        oof: as `read_out_of_fold` returns it.
    """
    adaptation, task = adaptation_record(adaptations), job.competition.task
    if task.decision is None or task.output == "image" or not (adaptation or oof):
        return adaptation, {}
    used = task.decision.default if params is None else params
    units = units_of(job.samples, job.competition.pool)
    parts = job.parts(folder)
    files = {fold: parts[fold] for fold in job.folds}
    estimate: dict[str, Any] = {}
    if oof:
        tests, every = read_by_fold(files, units), job.needed or units
        estimate = reweigh_file(job.competition, job.config, oof, tests, used, folder / TEST, every)
    final, applied = rows_of([folder / TEST], units), bool(estimate.get("applied"))
    steps = prediction_steps([*parts.values()], units, final, applied, job.weights)
    if adaptation:
        adaptation |= {"changed": changed_decisions(task, steps, used)[1]}
    if task.exclusive is None:
        return adaptation, {}
    record = class_record(task, steps, used)
    return adaptation, record | ({"estimate": estimate} if estimate else {})
