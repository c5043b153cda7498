"""What a run does with the classes of its test, and what it records of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.contract.metric import Pair
from comp.contract.sample import Sample
from comp.contract.task import Params
from comp.data.images.prepare import without_skipped
from comp.data.units import unit_of, units_of
from comp.pipeline.adapted import adaptation_record, read_adaptations
from comp.pipeline.class_arrays import out_of_fold, read_by_fold, rows_of
from comp.pipeline.class_report import (
    changed_decisions,
    class_record,
    compared_record,
    prediction_steps,
    reweigh_file,
    shares_advice,
)
from comp.pipeline.full_model import test_files
from comp.pipeline.run_inputs import RunContext

ESTIMATE = "class_shares"
"""The key of run.json with the estimated class shares."""


def reweigh_run(
    context: RunContext, folds: Sequence[int], pairs: Iterable[Pair], params: Params
) -> None:
    """Re-weight the test predictions of a run, if its configuration says so, and record how.

    Args:
        folds: those that are finished.
        pairs: out of fold.
    """
    inputs = context.inputs
    if inputs.config.predict.shares == "none":
        return
    files, readable = _files(context, folds), _readable(context)
    estimate = reweigh_file(
        inputs.competition,
        inputs.config,
        out_of_fold(pairs, fold_of(context, folds)),
        read_by_fold(files, readable),
        params,
        context.folder.test,
        units_of(inputs.test, inputs.competition.pool),
    )
    context.folder.update_record(**{ESTIMATE: estimate})


def records_of_test(
    context: RunContext, folds: Sequence[int], pairs: Iterable[Pair], params: Params
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a run records of its adaptation and of the classes of its test; each is {} if there is
    nothing to record."""
    competition, config = context.inputs.competition, context.inputs.config
    task, files, readable = competition.task, _files(context, folds), _readable(context)
    averaged, weights = test_files(context.folder, config, folds)
    adaptation = adaptation_record(read_adaptations([file.parent for file in averaged]))
    if task.decision is None or task.output == "image" or not readable:
        return adaptation, {}
    estimate = context.folder.record().get(ESTIMATE) or {}
    final = rows_of([context.folder.test], readable)
    applied = bool(estimate.get("applied"))
    steps = prediction_steps(averaged, readable, final, applied, weights)
    if adaptation:
        adaptation |= {"changed": changed_decisions(task, steps, params)[1]}
    if task.exclusive is None:
        return adaptation, {}
    by_fold = read_by_fold(files, readable)
    if not by_fold.predictions:  # a blend: a mean of networks decides otherwise than one of them
        return adaptation, {}
    oof = out_of_fold(pairs, fold_of(context, folds))
    record = class_record(task, steps, params) | compared_record(task, oof, by_fold, params)
    record["advice"] = shares_advice(record, config, context.folder.run_id)
    return adaptation, record | ({"estimate": estimate} if estimate else {})


def fold_of(context: RunContext, folds: Sequence[int]) -> dict[str, int]:
    """The fold of each sample or unit that is predicted out of fold by one of the folds."""
    inputs = context.inputs
    return {
        unit_of(sample): inputs.folds[sample.id]
        for sample in inputs.train
        if inputs.folds[sample.id] in folds
    }


def _files(context: RunContext, folds: Sequence[int]) -> Mapping[int, Path]:
    return {fold: context.folder.fold(fold) / "test.safetensors" for fold in folds}


def _readable(context: RunContext) -> Sequence[Sample]:
    """The test samples or units that have predictions of their own."""
    inputs = context.inputs
    readable = without_skipped(inputs.test, inputs.images.skipped)
    return units_of(readable, inputs.competition.pool)
