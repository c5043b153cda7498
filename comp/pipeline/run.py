"""The pipeline: from the configuration to a checked submission."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.data.folds import write_folds
from comp.data.groups import group_keys
from comp.data.location import DataSource, fingerprint
from comp.inference.decisions import fits_decisions
from comp.pipeline.budget_folds import within_budget
from comp.pipeline.budget_shares import estimator_seconds, steps_in_budget
from comp.pipeline.drift import note_drift
from comp.pipeline.ensemble import summarize, write_ensemble
from comp.pipeline.fit_full import fit_full
from comp.pipeline.fold_context import epoch_steps
from comp.pipeline.full_model import full_folder, full_part, is_finished, repeated_record
from comp.pipeline.members import estimator_names, network_names, read_result
from comp.pipeline.notes import data_notes, repeat_notes
from comp.pipeline.run_inputs import RunContext, RunInputs, prepare_run
from comp.pipeline.run_record import record_fields
from comp.pipeline.scored_apart import forget_apart, predict_apart
from comp.pipeline.seed_scores import seed_fits
from comp.pipeline.seeded_fold import fit_seed_estimators, fit_seeds
from comp.pipeline.timing import measure
from comp.pipeline.validation import prepare_validation
from comp.runs import folder as runfolder
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, RunStart
from comp.runs.results import FoldResult, RunSummary
from comp.signals import stop_if_requested
from comp.training.budget import FoldCost, cost_of, enough_steps
from comp.training.checkpoint import META
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
    inputs = prepare_validation(inputs, workspace, reporter, skip_bad)
    plan = dict(plan or {})
    unplanned = set(inputs.folds_to_train) - set(plan)
    cost = measure(inputs, reporter) if unplanned and not config.max_steps else None
    inputs = within_budget(inputs, cost, began, reporter) if cost else inputs
    folder = create_run_folder(inputs, workspace)
    context = RunContext.of(inputs, folder, workspace, reporter)
    with folder.running():
        folder.update_record(plan=plan, **repeated_record(config, (repeats or {}) if plan else {}))
        reporter.run_started(run_start(inputs, folder, cost))
        for text in [*repeat_notes(inputs, folder, repeats or {}), *data_notes(inputs)]:
            reporter.note(text)
        note_drift(inputs, folder, reporter)
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
    trained, n_rows, summary_s = False, 0, 0.0
    remove_leftovers(folder, context.submission)
    if cost and cost.halved:
        folder.update_record(halved=True)
    for fold in inputs.folds_to_train:
        started = time.perf_counter()
        result = read_result(folder.fold(fold), inputs.config)
        if result is None:
            trained = True
            seconds = estimator_seconds(inputs, results, started - began)
            if inputs.config.budget and cost and fold not in steps:
                estimate_s = _fit_estimators_first(context, fold, seconds)
                spent = time.perf_counter() - began
                steps[fold] = steps_in_budget(inputs, results, cost, spent, estimate_s)
                if not enough_steps(steps[fold], results):
                    leave_out(context, results)
                    n_rows = write_ensemble(context, results).n_rows
                    break
                folder.update_record(plan=steps)
            forget_apart(folder.fold(fold))
            data, length = inputs.source.root, steps.get(fold)
            reporter = context.reporter
            result = fit_seeds(inputs.config, fold, data, folder.path, length, reporter, seconds)
        predict_apart(context, fold)
        results.append(result)
        stop_if_requested()
        if trained or fold == inputs.folds_to_train[-1]:  # else more folds are in the submission
            ensemble = write_ensemble(context, results)
            n_rows, summary_s = ensemble.n_rows, decisions_s(inputs, len(results), ensemble.fit_s)
        if network_names(inputs.config):
            cost = cost_of(result, max(result.seconds, time.perf_counter() - started), summary_s)
        context.reporter.fold_done(result, context.submission)
    if _fit_full(context, results, cost, began):
        n_rows = write_ensemble(context, results).n_rows
    return summarize(context, results, n_rows, began)


def _fit_full(
    context: RunContext, results: Sequence[FoldResult], cost: FoldCost | None, began: float
) -> bool:
    """Train the full model if it is not finished, and predict what is scored apart; returns whether
    it was trained now. The arguments are those of `fit_full`."""
    config, folder = context.inputs.config, context.folder
    trained = fit_full(context, results, cost, began)
    if trained:
        forget_apart(full_folder(folder))
    if is_finished(folder, config):
        predict_apart(context, config.folds)
    return trained


def decisions_s(inputs: RunInputs, finished: int, fit_s: float) -> float:
    """Seconds of the decisions and their scores at the end of a run, from those of one fit on
    `finished` folds: a fit on all folds, and one on the other folds of each; the scores take about
    as long as two more, and those of the seeds are added. 0 if no decisions are scored."""
    if not fits_decisions(inputs.competition):
        return 0.0
    folds, seeds = len(inputs.folds_to_train), inputs.config.seeds
    fits = folds + 3 + seed_fits(inputs.competition, folds, seeds)
    return fits * fit_s * folds / finished


def _fit_estimators_first(context: RunContext, fold: int, seconds: float | None) -> float:
    """Fit the models of a fold that are not networks, before the steps of its networks are planned;
    returns their seconds."""
    inputs, folder = context.inputs, context.folder.path
    data, reporter = inputs.source.root, context.reporter
    return fit_seed_estimators(inputs.config, fold, data, folder, reporter, seconds)


def leave_out(context: RunContext, results: Sequence[FoldResult]) -> None:
    """Report and record that there is no time for the remaining folds; the run then covers the
    finished folds only."""
    folds = list(context.inputs.folds_to_train[len(results) :])
    left_out = [*folds, *context.inputs.left_out]
    context.folder.update_record(folds=[result.fold for result in results], left_out=left_out)
    competition = context.inputs.config.competition
    context.reporter.note(
        "the budget is nearly spent, because earlier folds took longer than planned; left out: "
        f"{', '.join(map(str, folds))} ('comp run {competition} --fold {folds[0]}' trains one)"
    )


def remove_leftovers(folder: RunFolder, submission: Path) -> None:
    """Remove the files of a killed process: partly written files and the checkpoints of finished
    folds."""
    partial = [*folder.path.rglob(".*.part"), *submission.parent.glob(f".{submission.name}.*.part")]
    finished = [
        path for part in ("fold-*", "full") for path in folder.path.glob(f"{part}/**/{META}")
    ]
    checkpoints = [path.with_name(RESUME) for path in finished]
    for path in (*partial, *checkpoints):
        if not path.is_dir():
            path.unlink(missing_ok=True)


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
        **({"left_out": list(inputs.left_out)} if inputs.left_out else {}),
        fold_hash=fold_hash,
        data_fingerprint=fingerprint([*inputs.train, *inputs.test]),
        data=str(inputs.source.root),
        device=inputs.device,
        precision=inputs.precision,
        environment=runfolder.environment(),
        **record_fields(inputs),
    )
    inputs.write_pointers(folder)
    inputs.pseudo.copied_to(folder.reader_folder).write_pointer(folder.reader_folder)
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
        seconds=_expected_seconds(inputs, cost)
        if cost and not config.budget and not estimator_names(config)
        else None,
        budget=config.budget,
        unit=inputs.unit,
        preliminary=fits_decisions(inputs.competition),
    )


def _expected_seconds(inputs: RunInputs, cost: FoldCost) -> float:
    """Seconds that the folds train, by their epochs."""
    config = inputs.config
    sizes = [len(inputs.training_part(fold)) for fold in inputs.folds_to_train]
    sizes += [len(full_part(inputs))] if config.full else []
    return sum(cost.fold_s(config.epochs * epoch_steps(config, size)) for size in sizes)
