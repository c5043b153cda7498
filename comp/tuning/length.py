"""How long the trials of a study train: all make the same steps, which a budget may limit."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

from comp.config.durations import duration_key
from comp.errors import RunError
from comp.pipeline.fold_context import FoldContext, epoch_steps
from comp.pipeline.members import network_names
from comp.pipeline.run_inputs import RunInputs
from comp.pipeline.timing import measure_fold
from comp.runs.progress import Reporter
from comp.training.budget import MIN_STEPS, SAFETY, FoldCost
from comp.tuning.settings import TuneOptions

PRUNED_SHARE = 0.5
"""Share of the steps of full trials that a study with a pruner is planned to make; it usually makes
fewer, and then has time left."""


@dataclass(frozen=True, kw_only=True)
class Length:
    """The optimizer steps of a fold; None: as the configuration says. `words` say why."""

    steps: int | None
    words: str


def study_length(
    inputs: RunInputs,
    options: TuneOptions,
    slots: int,
    seconds: float | None,
    given: bool,
    reporter: Reporter,
) -> Length:
    """The length of the trials of a new study.

    Args:
        slots: trials at the same time.
        seconds: for all trials; None without a budget.
        given: whether the user gives a length, which a budget then does not change.

    Raises:
        RunError: the budget has no room for so many trials.
    """
    config = inputs.config
    if not network_names(config):
        return Length(steps=None, words="")
    longest = config.max_steps or config.epochs * _epoch_steps(inputs)
    if given or seconds is None or config.max_steps:
        return Length(steps=None, words=f"{longest} steps a fold")
    started = time.perf_counter()
    cost = measure_fold(inputs, reporter, _one_test_sample)
    cost = replace(cost, fixed_s=max(0.0, cost.fixed_s - inputs.submission_s))
    seconds -= time.perf_counter() - started
    share = 1.0 if options.pruner == "none" else PRUNED_SHARE
    folds = options.trials * share * len(inputs.folds_to_train)
    steps = int((seconds * slots * SAFETY / folds - cost.fixed_s) / cost.step_s)
    least = max(MIN_STEPS, config.validations)
    if steps < least:
        raise RunError(_too_small(inputs, options, cost, seconds * slots, share, least))
    if steps >= longest:
        return Length(steps=longest, words=f"{longest} steps a fold")
    words = f"{steps} steps a fold, so that {options.trials} trials fit into the budget"
    return Length(steps=steps, words=words)


def _epoch_steps(inputs: RunInputs) -> int:
    """Steps of an epoch of the largest fold."""
    return max(
        epoch_steps(inputs.config, len(inputs.training_part(fold)))
        for fold in inputs.folds_to_train
    )


def _one_test_sample(context: FoldContext) -> FoldContext:
    """The context of a trial, which predicts next to nothing of the test."""
    return replace(context, test=context.test[:1])


def _too_small(
    inputs: RunInputs,
    options: TuneOptions,
    cost: FoldCost,
    seconds: float,
    share: float,
    least: int,
) -> str:
    folds = len(inputs.folds_to_train)
    trial_s = folds * share * cost.fold_s(least) / SAFETY
    fitting, needed = math.floor(seconds / trial_s), trial_s * options.trials * 1.1
    fewer = f"set --trials {fitting}, or " if fitting >= 2 else ""
    return (
        f"the budget is too small: {max(0.0, seconds):.0f} s are left for {options.trials} trials, "
        f"and a fold of {least} steps takes {cost.fold_s(least):.1f} s: {fewer}give --budget "
        f"{duration_key(needed + 60)}"
    )
