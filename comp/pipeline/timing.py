"""Measures what a fold costs on this machine, with models that are thrown away."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from comp.config.average import AverageConfig
from comp.config.schema import RunConfig
from comp.config.sections import ThawConfig
from comp.inference.adaptation import reference_images
from comp.pipeline.adapted import adapts, image_seconds
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.pipeline.members import member_config, network_names
from comp.pipeline.pace import Pace, measure_pace, timed_samples, work_share
from comp.pipeline.refit import refit_images
from comp.pipeline.report_time import readings_after
from comp.pipeline.run_inputs import RunInputs, scratch_run
from comp.pipeline.scored_apart import count_apart
from comp.pipeline.smaller_batches import with_smaller_batches
from comp.runs.progress import Reporter
from comp.training.averages import scorings
from comp.training.budget import FoldCost
from comp.training.device import OutOfMemoryError

SHORT_SETUP_S = 1.0
"""Building the context of a fold is measured again if it takes less."""
ContextChange = Callable[[FoldContext], FoldContext]
"""What a measurement changes in the context of the fold, such as its reader."""
TimeFold = Callable[[RunConfig, int, Path, Path, Reporter, ContextChange], FoldCost]
"""A function with the arguments of `time_fold`."""


def unchanged(context: FoldContext) -> FoldContext:
    """The change of a measurement that reads as the run does."""
    return context


def measure(
    inputs: RunInputs, reporter: Reporter, time_one: TimeFold | None = None
) -> FoldCost | None:
    """Measure what a fold costs; None without a network, or on a GPU if there is no budget.

    Args:
        time_one: measures one network; None: `time_fold`.
    """
    if inputs.config.budget is None and not inputs.device.startswith("cpu"):
        return None
    if not network_names(inputs.config):
        return None
    return measure_fold(inputs, reporter, time_one=time_one)


def measure_fold(
    inputs: RunInputs,
    reporter: Reporter,
    change: ContextChange = unchanged,
    time_one: TimeFold | None = None,
) -> FoldCost:
    """Measure what the first fold costs, with its part of writing the submission."""
    reporter.note("measuring how fast this machine trains and predicts ...")
    config, fold = inputs.config, inputs.folds_to_train[0]
    with scratch_run(inputs) as folder:
        costs = [
            (time_one or time_fold)(one, fold, inputs.source.root, folder.path, reporter, change)
            for one in (member_config(config, name) for name in network_names(config))
        ]
        apart_s = _apart_s(inputs, fold, folder.path, costs[0], change)
    cost = sum_of(costs).repeated(config.seeds)
    apart_s *= len(costs) * config.seeds
    return replace(
        cost,
        fixed_s=cost.fixed_s + inputs.submission_s + apart_s,
        predict_s=cost.predict_s + apart_s,
        submit_s=cost.submit_s + inputs.submission_s,
    )


def _apart_s(
    inputs: RunInputs, fold: int, folder: Path, cost: FoldCost, change: ContextChange
) -> float:
    """Seconds in which a network predicts the samples that are scored apart, from their images."""
    count, name = count_apart(inputs, fold), network_names(inputs.config)[0]
    if not count:
        return 0.0
    held_out = sum(number == fold for number in inputs.folds.values())
    if not inputs.features.cache:
        return cost.predict_s * count / max(1, held_out + len(inputs.test))
    config = member_config(inputs.config, name)
    context = change(make_fold_context(config, fold, inputs.source.root, folder))
    few = timed_samples(context)
    return image_seconds(context, few, 0.0) * count / max(1, len(few))


def sum_of(costs: Sequence[FoldCost]) -> FoldCost:
    """The cost of a fold that trains several networks, each with the same steps."""
    names = ("step_s", "fixed_s", "reserve_s", "predict_s", "validate_s", "submit_s")
    sums = {name: sum(getattr(cost, name) for cost in costs) for name in names}
    return FoldCost(**sums, halved=any(cost.halved for cost in costs))


def time_fold(
    config: RunConfig,
    fold: int,
    data: Path,
    folder: Path,
    reporter: Reporter,
    change: ContextChange = unchanged,
) -> FoldCost:
    """Measure a fold by training and predicting a little, on batches of half the size if the GPU
    runs out of memory.

    The fold itself is not affected: it seeds its generators again.
    """
    started = time.perf_counter()
    context = make_fold_context(config, fold, data, folder)
    setup_s = time.perf_counter() - started
    if setup_s < SHORT_SETUP_S:  # the first call is slower than later ones
        started = time.perf_counter()
        context = make_fold_context(config, fold, data, folder)
        setup_s = time.perf_counter() - started
    context = change(context)
    with suppress(OutOfMemoryError):
        return fold_cost(context, setup_s)
    gc.collect()
    return replace(fold_cost(with_smaller_batches(context, reporter), setup_s), halved=True)


def fold_cost(
    context: FoldContext, setup_s: float, measure: Callable[[FoldContext], Pace] = measure_pace
) -> FoldCost:
    """The cost of a fold whose context takes `setup_s` seconds to build."""
    few, config = timed_samples(context), context.config
    pace = measure(replace(context, held_out=few, config=costliest_steps(config)))
    held_out = work_share(context, few, context.held_out)
    test = work_share(context, few, context.test)
    predict_s = pace.predict_s * (held_out + test)
    if adapts(config):
        reference = reference_images(context.labelled, len(context.test))
        passes = 2 * test + work_share(context, few, reference)
        predict_s += passes * image_seconds(context, few, pace.predict_s)
    validate_s = pace.validate_s * held_out * (config.validations + scorings(config.average))
    if config.average.how == "swa":
        validate_s += pace.validate_s * refit_images(context) / max(1, len(few))
    return FoldCost(
        step_s=pace.step_s,
        fixed_s=setup_s + pace.build_s + predict_s + validate_s,
        reserve_s=setup_s * readings_after(config),
        predict_s=predict_s,
        validate_s=validate_s,
    )


def costliest_steps(config: RunConfig) -> RunConfig:
    """The configuration of a fold's costliest steps, those after the last stage has thawed, with
    one validation."""
    thawed = {} if config.thaw.how == "never" else {"freeze": "none", "thaw": ThawConfig()}
    plain = {"validations": 1, "patience": None, "average": AverageConfig()}
    return config.model_copy(update={**plain, **thawed})
