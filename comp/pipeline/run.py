"""The pipeline: from the configuration to a checked submission."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from comp.config.schema import RunConfig
from comp.data.folds import write_folds
from comp.data.groups import group_keys
from comp.data.location import DataSource, fingerprint
from comp.errors import RunError
from comp.inference.decisions import fits_decisions
from comp.inference.predictions import Predictions
from comp.pipeline.ensemble import summarize, write_ensemble
from comp.pipeline.fold import fit_fold
from comp.pipeline.fold_context import epoch_steps
from comp.pipeline.notes import data_notes, repeat_notes
from comp.pipeline.run_inputs import RunContext, RunInputs, prepare_run, record_fields
from comp.pipeline.timing import measure
from comp.runs import folder as runfolder
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, RunStart
from comp.runs.results import FoldResult, RunSummary
from comp.signals import stop_if_requested
from comp.training.budget import FoldCost, cost_of, enough_steps, steps_within
from comp.training.checkpoint import META, WEIGHTS, load_meta
from comp.training.state import RESUME
from comp.workspace import Workspace


def run(
    config: RunConfig,
    source: DataSource,
    workspace: Workspace,
    reporter: Reporter,
    *,
    only: Sequence[int] = (),
    plan: Mapping[int, int] | None = None,
    began: float | None = None,
    skip_bad: bool = False,
    repeats: Mapping[str, Any] | None = None,
) -> RunSummary:
    """Cross-validate, predict, score, and write a submission after each fold.

    Args:
        only: the folds to train; all if empty.
        plan: optimizer steps of each fold, from the run that is repeated.
        began: `time.perf_counter()` when the command began; a budget counts from there.
        skip_bad: leave out images that cannot be decoded.
        repeats: run.json of the run that is repeated; what differs from it is told.

    Raises:
        CompError: the data or the configuration is wrong; nothing was written.
    """
    began = time.perf_counter() if began is None else began
    inputs = prepare_run(config, source, workspace, only, reporter, skip_bad)
    plan = dict(plan or {})
    unplanned = set(inputs.folds_to_train) - set(plan)
    cost = measure(inputs, began, reporter) if unplanned and not config.max_steps else None
    folder = create_run_folder(inputs, workspace)
    context = RunContext.of(inputs, folder, workspace, reporter)
    with folder.running():
        folder.update_record(plan=plan)
        reporter.run_started(run_start(inputs, folder, cost))
        for text in [*repeat_notes(inputs, folder, repeats or {}), *data_notes(inputs)]:
            reporter.note(text)
        return train_folds(context, plan, cost, began)


def train_folds(
    context: RunContext, plan: Mapping[int, int], cost: FoldCost | None, began: float
) -> RunSummary:
    """Train the folds that are not finished, write a submission after each, and score them all.

    The caller holds the run's lock.

    Args:
        plan: optimizer steps of the folds that have a plan.
        cost: what a fold costs; None if it is not known.
        began: `time.perf_counter()` when the run's budget began to count.

    Raises:
        CompError: the training failed; finished folds are kept.
        Stopped: a signal came.
    """
    inputs, folder, steps = context.inputs, context.folder, dict(plan)
    results: list[FoldResult] = []
    trained, n_rows = False, 0
    remove_leftovers(folder, context.submission)
    if cost and cost.halved:
        folder.update_record(halved=True)
    for fold in inputs.folds_to_train:
        seconds_spent = time.perf_counter() - began
        result = read_fold_result(folder, fold)
        if result is None:
            trained = True
            if inputs.config.budget and cost and fold not in steps:
                steps[fold] = _steps_in_budget(inputs, results, cost, seconds_spent)
                if not enough_steps(steps[fold], results):
                    leave_out(context, results)
                    n_rows = write_ensemble(context, results)
                    break
                folder.update_record(plan=steps)
            data, length = inputs.source.root, steps.get(fold)
            result = fit_fold(inputs.config, fold, data, folder.path, length, context.reporter)
        results.append(result)
        stop_if_requested()
        if trained or fold == inputs.folds_to_train[-1]:  # else more folds are in the submission
            n_rows = write_ensemble(context, results)
        cost = cost_of(result, result.seconds)
        context.reporter.fold_done(result, context.submission)
    return summarize(context, results, n_rows, began)


def _steps_in_budget(
    inputs: RunInputs, results: Sequence[FoldResult], cost: FoldCost, seconds_spent: float
) -> int:
    """The optimizer steps of the next fold, so that all remaining folds fit into the budget."""
    assert inputs.config.budget
    seconds_left = inputs.config.budget - seconds_spent
    return steps_within(seconds_left, len(inputs.folds_to_train) - len(results), cost)


def leave_out(context: RunContext, results: Sequence[FoldResult]) -> None:
    """Report and record that there is no time for the remaining folds; the run then covers the
    finished folds only."""
    folds = list(context.inputs.folds_to_train[len(results) :])
    context.folder.update_record(folds=[result.fold for result in results], left_out=folds)
    competition = context.inputs.config.competition
    context.reporter.note(
        "the budget is nearly spent, because earlier folds took longer than planned; left out: "
        f"{', '.join(map(str, folds))} ('comp run {competition} --fold {folds[0]}' trains one)"
    )


def remove_leftovers(folder: RunFolder, submission: Path) -> None:
    """Remove the files of a killed process: partly written files and the checkpoints of finished
    folds."""
    partial = [*folder.path.rglob(".*.part"), *submission.parent.glob(f".{submission.name}.*.part")]
    checkpoints = [path.with_name(RESUME) for path in folder.path.glob(f"fold-*/{META}")]
    for path in (*partial, *checkpoints):
        if not path.is_dir():
            path.unlink(missing_ok=True)


def read_fold_result(folder: RunFolder, fold: int) -> FoldResult | None:
    """Read the result of a finished fold; None if the fold is not finished, or one of its files is
    missing or damaged."""
    fold_folder = folder.fold(fold)
    try:
        result = TypeAdapter(FoldResult).validate_python(load_meta(fold_folder))
        for name in (WEIGHTS, "oof.safetensors", "test.safetensors"):
            Predictions(fold_folder / name)
    except (ValidationError, RunError):
        return None
    return result


def create_run_folder(inputs: RunInputs, workspace: Workspace) -> RunFolder:
    """Make the run's folder and write folds.csv and run.json."""
    config, now = inputs.config, datetime.now().astimezone()
    folder = runfolder.create(workspace.runs(config.competition), config, now)
    fold_hash = write_folds(folder.folds_csv, inputs.train, inputs.folds)
    folder.update_record(
        run_id=folder.run_id,
        state="running",
        competition=config.competition,
        started=now.isoformat(timespec="seconds"),
        synthetic=inputs.source.synthetic,
        config=config.model_dump(mode="json"),
        folds=list(inputs.folds_to_train),
        fold_hash=fold_hash,
        data_fingerprint=fingerprint([*inputs.train, *inputs.test]),
        data=str(inputs.source.root),
        device=inputs.device,
        precision=inputs.precision,
        environment=runfolder.environment(),
        **record_fields(inputs),
    )
    inputs.write_pointers(folder)
    return folder


def run_start(inputs: RunInputs, folder: RunFolder, cost: FoldCost | None) -> RunStart:
    """What a reporter shows when a run starts."""
    config = inputs.config
    return RunStart(
        run_id=folder.run_id,
        run_dir=folder.path,
        competition=config.competition,
        data=inputs.source.root,
        synthetic=inputs.source.synthetic,
        train=len(inputs.train),
        test=len(inputs.test),
        groups=len(set(group_keys(inputs.train))),
        group=inputs.competition.group or "sample",
        folds=inputs.folds_to_train,
        of_folds=config.folds,
        device=inputs.device,
        precision=inputs.precision,
        seconds=_expected_seconds(inputs, cost) if cost and not config.budget else None,
        budget=config.budget,
        preliminary=fits_decisions(inputs.competition),
    )


def _expected_seconds(inputs: RunInputs, cost: FoldCost) -> float:
    """Seconds that the folds train, by their epochs."""
    config = inputs.config
    sizes = [len(inputs.training_part(fold)) for fold in inputs.folds_to_train]
    return sum(cost.fold_s(config.epochs * epoch_steps(config, size)) for size in sizes)
