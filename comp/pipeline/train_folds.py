"""Trains the folds of a run: one after another here, or several at the same time on an engine."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from comp.engines.engine import Engine
from comp.pipeline.between_folds import decisions_s, fit_full_model, leave_out, remove_leftovers
from comp.pipeline.budget_shares import estimator_seconds, seconds_in_budget, steps_in_budget
from comp.pipeline.ensemble import write_ensemble
from comp.pipeline.fold_time import record_time
from comp.pipeline.halved import record_of_run
from comp.pipeline.members import network_names, read_result
from comp.pipeline.part_times import summarized
from comp.pipeline.report_time import readings_after
from comp.pipeline.run_inputs import RunContext
from comp.pipeline.scored_apart import forget_apart, predict_apart
from comp.pipeline.seeded_fold import fit_seed_estimators, fit_seeds
from comp.pipeline.side_by_side import SideBySide
from comp.pipeline.spent import record_spent, spent_recorded
from comp.runs.results import FoldResult, RunSummary
from comp.signals import stop_if_requested
from comp.training.budget import FoldCost, cost_of, enough_steps


def train_folds(
    context: RunContext,
    plan: Mapping[int, int],
    cost: FoldCost | None,
    began: float,
    engine: Engine | None = None,
) -> RunSummary:
    """Train the folds that are not finished, write a submission after each, and score them all.

    The caller holds the run's lock.

    Args:
        plan: optimizer steps of the folds that have a plan.
        cost: what a fold costs; None if it is not known.
        began: `time.perf_counter()` when the run's budget began to count.
        engine: trains several folds at the same time; None: one after another in this process.

    Raises:
        CompError: the training failed; finished folds are kept.
        Stopped: a signal came.
    """
    with spent_recorded(context, began):
        if engine:
            return SideBySide(context, plan, cost, began, engine).train()
        return _one_after_another(context, plan, cost, began)


def _one_after_another(
    context: RunContext, plan: Mapping[int, int], cost: FoldCost | None, began: float
) -> RunSummary:
    """As `train_folds`, in this process."""
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
            trained, estimate_s = True, 0.0
            seconds = estimator_seconds(inputs, results, started - began)
            if inputs.config.budget and cost and fold not in steps:
                estimate_s = _fit_estimators_first(context, fold, seconds)
                spent = time.perf_counter() - began
                steps[fold] = steps_in_budget(inputs, results, cost, spent, estimate_s)
                if not enough_steps(steps[fold], results):
                    leave_out(context, [result.fold for result in results])
                    n_rows = write_ensemble(context, results).n_rows
                    break
                folder.update_record(plan=steps)
            _record_time(context, results, fold, cost, began, estimate_s)
            forget_apart(folder.fold(fold))
            data, length = inputs.source.root, steps.get(fold)
            reporter = context.reporter
            result = fit_seeds(inputs.config, fold, data, folder.path, length, reporter, seconds)
        predict_apart(context, fold)
        results.append(result)
        stop_if_requested()
        if result.halved:
            record_of_run(folder)
        if trained or fold == inputs.folds_to_train[-1]:  # else more folds are in the submission
            ensemble = write_ensemble(context, results)
            n_rows, summary_s = ensemble.n_rows, decisions_s(inputs, len(results), ensemble.fit_s)
        if network_names(inputs.config):
            took = max(result.seconds, time.perf_counter() - started)
            cost = cost_of(result, took, summary_s, readings_after(inputs.config))
        context.reporter.fold_done(result, context.submission)
        record_spent(context, began)
    if fit_full_model(context, results, cost, began):
        n_rows = write_ensemble(context, results).n_rows
    return summarized(context, results, n_rows, began)


def _record_time(
    context: RunContext,
    results: Sequence[FoldResult],
    fold: int,
    cost: FoldCost | None,
    began: float,
    estimate_s: float,
) -> None:
    """Record what the next fold may take, in a run with a budget."""
    if context.inputs.config.budget and cost:
        spent = time.perf_counter() - began
        left, last = seconds_in_budget(context.inputs, results, cost, spent, estimate_s)
        record_time(context, context.folder.fold(fold), cost, left, last=last)


def _fit_estimators_first(context: RunContext, fold: int, seconds: float | None) -> float:
    """Fit the models of a fold that are not networks, before the steps of its networks are planned;
    returns their seconds."""
    inputs, folder = context.inputs, context.folder.path
    data, reporter = inputs.source.root, context.reporter
    return fit_seed_estimators(inputs.config, fold, data, folder, reporter, seconds)
