"""What the next fold of a run gets of its budget, so that all that follows fits too."""

from __future__ import annotations

from collections.abc import Sequence

from comp.pipeline.report_time import budget_of_folds
from comp.pipeline.run_inputs import RunInputs
from comp.runs.results import FoldResult
from comp.training.budget import SAFETY, FoldCost, fold_seconds, folds_within, steps_within


def estimator_seconds(
    inputs: RunInputs, results: Sequence[FoldResult], seconds_spent: float
) -> float | None:
    """Seconds for each model that is not a network in the next fold: all models of all remaining
    folds, and of the full model, have an equal share of the budget. None without a budget.

    Args:
        results: of the finished folds.
    """
    config = inputs.config
    if not config.budget:
        return None
    left = len(inputs.folds_to_train) - len(results) + bool(config.full)
    models = left * len(config.model) * config.seeds
    return max(1.0, (budget_of_folds(inputs) * SAFETY - seconds_spent) / models)


def steps_in_budget(
    inputs: RunInputs,
    results: Sequence[FoldResult],
    cost: FoldCost,
    seconds_spent: float,
    estimate_s: float,
) -> int:
    """The optimizer steps of the next fold, so that all remaining folds fit into the budget, and
    the full model too if there is room for all of them.

    Args:
        results: of the finished folds.
        estimate_s: what the models that are not networks took in this fold, and will take in the
            others.
    """
    seconds_left, folds = _shared(inputs, results, cost, seconds_spent, estimate_s)
    return steps_within(seconds_left, folds, cost)


def seconds_in_budget(
    inputs: RunInputs,
    results: Sequence[FoldResult],
    cost: FoldCost,
    seconds_spent: float,
    estimate_s: float,
) -> tuple[float, bool]:
    """The seconds of the networks of the next fold, and whether nothing trains after it. The
    arguments are those of `steps_in_budget`."""
    seconds_left, folds = _shared(inputs, results, cost, seconds_spent, estimate_s)
    return fold_seconds(seconds_left, folds, cost), folds == 1


def _shared(
    inputs: RunInputs,
    results: Sequence[FoldResult],
    cost: FoldCost,
    seconds_spent: float,
    estimate_s: float,
) -> tuple[float, int]:
    """The seconds for the networks of all remaining folds, and the number of these."""
    assert inputs.config.budget
    folds = len(inputs.folds_to_train) - len(results)
    seconds_left = budget_of_folds(inputs) - seconds_spent - (folds - 1) * estimate_s
    with_full, left_s = folds + 1, seconds_left - estimate_s
    if inputs.config.full and folds_within(left_s, with_full, cost) == with_full:
        return left_s, with_full
    return seconds_left, folds
