"""Trains the full model of a run after its folds, within the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from comp.pipeline.budget_shares import estimator_seconds
from comp.pipeline.fold_time import record_time
from comp.pipeline.full_model import (
    LEFT_OUT,
    RECORD,
    FullReporter,
    full_config,
    full_folder,
    full_record,
    full_steps,
    is_finished,
)
from comp.pipeline.members import estimator_names
from comp.pipeline.report_time import budget_of_folds
from comp.pipeline.run_inputs import RunContext
from comp.pipeline.seeded_fold import fit_seed_estimators, fit_seeds
from comp.runs.results import FoldResult
from comp.signals import stop_if_requested
from comp.training.budget import FoldCost, enough_steps, fold_seconds, steps_within


@dataclass(frozen=True, kw_only=True)
class Fits:
    """How the full model is trained; the functions have the arguments of those in
    `comp.pipeline.seeded_fold`. `rounds` is how many of its trainings follow one another, as a
    share of all."""

    seeds: Callable[..., Any] = fit_seeds
    estimators: Callable[..., float] = fit_seed_estimators
    rounds: float = 1.0


HERE = Fits()
"""In this process."""


def fit_full(
    context: RunContext,
    results: Sequence[FoldResult],
    cost: FoldCost | None,
    began: float,
    fits: Fits = HERE,
) -> bool:
    """Train the full model, or resume it, if the configuration says so; returns whether it was
    trained now. A budget that is nearly spent leaves it out, and a note says so.

    Args:
        results: of the finished folds, at least one.
        cost: of a fold, as its last one took; None without a network.
        began: `time.perf_counter()` when the run's budget began to count.
        fits: how it is trained.
    """
    inputs, folder = context.inputs, context.folder
    config, place = full_config(inputs.config), full_folder(context.folder)
    if not config.full or is_finished(folder, inputs.config):
        return False
    data, number, reporter = inputs.source.root, config.folds, FullReporter(context.reporter)
    record = folder.record().get(RECORD) or {}
    if record.get(LEFT_OUT):
        reporter.note("left out, as in the run that this run repeats")
        return False
    seconds = estimator_seconds(inputs, results, time.perf_counter() - began)
    steps = record.get("steps")
    if steps is None and cost:
        if config.budget and estimator_names(config):
            fits.estimators(config, number, data, folder.path, reporter, seconds, place)
        steps = full_steps(inputs, results)
        if config.budget and steps:
            left = budget_of_folds(inputs) - (time.perf_counter() - began)
            steps = min(steps, steps_within(left, 1, cost.repeated(fits.rounds)))
            if not enough_steps(steps, results):
                reporter.note("left out, because the budget is nearly spent")
                return False
    folder.update_record(**{RECORD: full_record(inputs, len(results), steps)})
    if config.budget and cost:
        left = budget_of_folds(inputs) - (time.perf_counter() - began)
        record_time(context, place, cost, fold_seconds(left, 1, cost) / fits.rounds, last=True)
    fits.seeds(config, number, data, folder.path, steps, reporter, seconds, place)
    stop_if_requested()
    return True
