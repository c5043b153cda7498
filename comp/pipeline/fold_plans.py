"""What each fold of a run would do, by the measured cost of a fold."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from comp.config.schema import RunConfig
from comp.pipeline.fold_context import epoch_steps
from comp.pipeline.full_model import full_part
from comp.pipeline.report_time import budget_of_folds
from comp.pipeline.run_inputs import RunInputs
from comp.runs.plan import FoldPlan
from comp.training.budget import FoldCost, steps_within


def fold_plans(inputs: RunInputs, cost: FoldCost, before_s: float) -> Sequence[FoldPlan]:
    """The plan of each fold of a run: by its budget, its `max_steps`, or its epochs.

    Args:
        before_s: seconds of the budget that are spent before the first fold.
    """
    config, plans = inputs.config, []
    for fold in inputs.folds_to_train:
        train = len(inputs.training_part(fold))
        epoch = epoch_steps(config, train)
        steps = config.max_steps or config.epochs * epoch
        if config.budget:
            trained = len(inputs.folds_to_train) + bool(config.full)
            steps = steps_within(budget_of_folds(inputs) - before_s, trained, cost)
        plans.append(FoldPlan(fold=fold, train=train, steps=steps, epochs=steps / epoch))
    return plans


def full_plan(inputs: RunInputs, plans: Sequence[FoldPlan]) -> Sequence[FoldPlan]:
    """The plan of the full model, without early stopping; empty if there is none."""
    config, train = inputs.config, len(full_part(inputs)) if inputs.config.full else 0
    if not train:
        return ()
    epoch, steps = epoch_steps(config, train), round(fmean(plan.steps for plan in plans))
    if not (config.budget or config.max_steps):
        steps = config.epochs * epoch
    return (FoldPlan(fold=config.folds, train=train, steps=steps, epochs=steps / epoch),)


def seconds_of(plans: Sequence[FoldPlan], cost: FoldCost, before_s: float) -> float:
    """Seconds of the whole run."""
    return before_s + sum(cost.fold_s(plan.steps) for plan in plans) + cost.reserve_s


def images_per_second(config: RunConfig, cost: FoldCost) -> float:
    """Training samples per second of one training of a fold."""
    return config.loader.batch_size * config.optim.accumulate * config.seeds / cost.step_s
