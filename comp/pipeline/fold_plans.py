"""What each fold of a run would do, by the measured cost of a fold."""

from __future__ import annotations

from collections.abc import Sequence

from comp.pipeline.fold_context import epoch_steps
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
            steps = steps_within(config.budget - before_s, len(inputs.folds_to_train), cost)
        plans.append(FoldPlan(fold=fold, train=train, steps=steps, epochs=steps / epoch))
    return plans


def seconds_of(plans: Sequence[FoldPlan], cost: FoldCost, before_s: float) -> float:
    """Seconds of the whole run."""
    return before_s + sum(cost.fold_s(plan.steps) for plan in plans) + cost.reserve_s
