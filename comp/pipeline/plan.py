"""A dry run: measures as a run does, and says what the run would do and cost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from comp.config.schema import RunConfig
from comp.data.location import DataSource
from comp.data.units import units_of
from comp.errors import ConfigError
from comp.pipeline.alternatives import OnMeasure, measure_alternatives
from comp.pipeline.auto_values import find_auto
from comp.pipeline.budget_folds import within_budget
from comp.pipeline.fold_context import FoldContext
from comp.pipeline.fold_plans import fold_plans, full_plan, images_per_second
from comp.pipeline.members import estimator_names
from comp.pipeline.memory import peak_memory
from comp.pipeline.plan_features import PlanFeatures
from comp.pipeline.plan_images import PlanImages
from comp.pipeline.preparation import Preparation
from comp.pipeline.report_time import report_seconds
from comp.pipeline.run_inputs import RunInputs, prepare_run
from comp.pipeline.scored_apart import validation_share
from comp.pipeline.small_budget import made_to_fit
from comp.pipeline.timing import measure_fold
from comp.runs.plan import FoldPlan, RunPlan
from comp.runs.progress import Reporter
from comp.training.budget import FoldCost
from comp.workspace import Workspace

LIMIT_S = 60.0
"""Seconds of the command after which no other setting is measured."""


def plan(
    config: RunConfig,
    source: DataSource,
    workspace: Workspace,
    reporter: Reporter,
    *,
    only: Sequence[int] = (),
    began: float,
    skip_bad: bool = False,
    on_measure: OnMeasure,
) -> RunPlan:
    """Say what a run would do and cost. It trains a few steps on models that are thrown away, and
    writes no run.

    Args:
        only: the folds to train; all if empty.
        began: `time.perf_counter()` when the command began; a budget counts from there.
        on_measure: called before each measurement of another setting.

    Raises:
        CompError: what a run would refuse, and models that are not networks.
    """
    _check_models(config)
    with TemporaryDirectory(prefix="comp-") as scratch:
        images, features = PlanImages(Path(scratch)), PlanFeatures(Path(scratch))
        prepared = Preparation(images, features)
        inputs = prepare_run(
            config, source, workspace, only, reporter, skip_bad, preparation=prepared
        )
        started = time.perf_counter()
        before = {
            "start": started - began - images.spent_s - features.spent_s,
            "images": images.decode_s * (1 + validation_share(inputs)),
            "features": features.compute_s,
        }

        def change(context: FoldContext) -> FoldContext:
            return features.change(images.change(context))

        inputs = find_auto(inputs, began, reporter, change)
        if inputs.found:
            before["finding"], started = time.perf_counter() - started, time.perf_counter()
        cost = measure_fold(inputs, reporter, change)
        memory = peak_memory(inputs.device)
        if _run_measures(inputs):
            before["measuring"] = time.perf_counter() - started
        before_s = sum(before.values())
        inputs, cost = made_to_fit(inputs, cost, time.perf_counter() - before_s, reporter)
        inputs = within_budget(inputs, cost, time.perf_counter() - before_s, reporter)
        alternatives = measure_alternatives(
            inputs, images, cost, before_s, until=began + LIMIT_S, on_measure=on_measure
        )
    return replace(
        _without_measurements(inputs, cost, before),
        memory=memory,
        cache_bytes=images.new_bytes + features.new_bytes,
        alternatives=alternatives,
    )


def _without_measurements(
    inputs: RunInputs, cost: FoldCost, before: Mapping[str, float]
) -> RunPlan:
    """The plan by the cost of a fold, without memory, caches and other settings.

    Args:
        before: seconds before the first fold, by what takes them.
    """
    config = inputs.config
    folds = fold_plans(inputs, cost, sum(before.values()))
    full = full_plan(inputs, folds)
    parts = {**before, **_parts(inputs, [*folds, *full], cost)}
    return RunPlan(
        competition=config.competition,
        data=inputs.source.root,
        synthetic=inputs.source.synthetic,
        device=inputs.device,
        precision=inputs.precision,
        train=len(inputs.train),
        test=len(units_of(inputs.test, inputs.competition.pool)),
        of_folds=config.folds,
        folds=folds,
        full=full[0] if full else None,
        left_out=inputs.left_out,
        budget=config.budget,
        seconds=sum(parts.values()),
        parts=parts,
        seeds=config.seeds,
        step_s=cost.step_s / config.seeds,
        images_per_second=images_per_second(config, cost),
        unit=inputs.unit,
        disk_bytes=inputs.bytes_needed,
        halved=cost.halved,
    )


def _check_models(config: RunConfig) -> None:
    names = estimator_names(config)
    if names:
        raise ConfigError(
            f"model = {', '.join(config.model)}: comp plan measures the steps of networks, and "
            f"{names[0]} has none; 'comp run {config.competition} --fold 0' shows what a fold "
            "takes, often less than a minute, and --budget 5m ends all fits in time"
        )


def _run_measures(inputs: RunInputs) -> bool:
    """Whether the run measures too, as `comp.pipeline.timing.measure`."""
    config = inputs.config
    return not config.max_steps and bool(config.budget or inputs.device.startswith("cpu"))


def _parts(inputs: RunInputs, folds: Sequence[FoldPlan], cost: FoldCost) -> dict[str, float]:
    """Seconds of all folds, by what takes them."""
    count, report_s = len(folds), report_seconds(inputs)
    building = cost.fixed_s - cost.predict_s - cost.validate_s - inputs.submission_s
    return {
        "folds": count * building,
        "training": sum(fold.steps for fold in folds) * cost.step_s,
        "validation": count * cost.validate_s,
        "prediction": count * cost.predict_s,
        "submission": count * inputs.submission_s + cost.reserve_s,
        **({"report": report_s} if report_s else {}),
    }
