"""What a fold gets of a budget if several folds train at the same time.

`left` trainings on `slots` slots follow one another in ceil(left / slots) rounds. A training that
starts gets an equal share of the remaining time by its round and those after it, so it ends early
enough for them. With one slot this is the rule of `comp.pipeline.budget_shares`.
"""

from __future__ import annotations

import math
from dataclasses import replace

from comp.config.schema import RunConfig
from comp.pipeline.fold_context import epoch_steps
from comp.pipeline.members import estimator_names, network_names
from comp.pipeline.report_time import budget_of_folds
from comp.pipeline.run_inputs import RunInputs
from comp.training.budget import (
    SAFETY,
    FoldCost,
    fold_seconds,
    folds_within,
    seconds_needed,
    steps_within,
)


def round_count(left: int, slots: int) -> int:
    """How many of `left` trainings follow one another; at least 1."""
    return max(1, math.ceil(left / slots))


def left_in_rounds(total: int, started: int, slots: int) -> int:
    """The trainings of the round of the next one of `total`, after `started`, and of those that
    follow. The others of a round end a little later or earlier, so those that run do not count."""
    return total - started // slots * slots


def seed_cost(cost: FoldCost, seeds: int) -> FoldCost:
    """The cost of one of the trainings of a fold, which differ in their seed."""
    return cost.repeated(1 / seeds)


def estimator_seconds_in_rounds(
    inputs: RunInputs, left: int, slots: int, seconds_spent: float
) -> float | None:
    """Seconds for each model that is not a network in the next fold; None without a budget.

    Args:
        left: the trainings of its round and of those that follow.
    """
    config = inputs.config
    if not config.budget:
        return None
    rounds, full = round_count(left, slots), round_count(config.seeds, slots)
    if estimator_names(config) and network_names(config):  # a task fits those of all seeds
        full = config.seeds
        rounds = full * round_count(math.ceil(left / config.seeds), slots)
    rounds += full * bool(config.full)
    seconds = budget_of_folds(inputs) * SAFETY - seconds_spent
    return max(1.0, seconds / (rounds * len(config.model)))


def steps_in_rounds(
    inputs: RunInputs,
    left: int,
    slots: int,
    cost: FoldCost,
    seconds_spent: float,
    estimate_s: float,
) -> int:
    """The optimizer steps of the next training, so that all others fit into the budget, and the
    full model too if there is room for it.

    Args:
        left: the trainings of its round and of those that follow.
        cost: of a fold with all its seeds.
        estimate_s: what the models that are not networks take in a fold.
    """
    config = inputs.config
    seconds_left, rounds = _shared(inputs, left, slots, cost, seconds_spent, estimate_s)
    return steps_within(seconds_left, rounds, seed_cost(cost, config.seeds))


def seconds_in_rounds(
    inputs: RunInputs,
    left: int,
    slots: int,
    cost: FoldCost,
    seconds_spent: float,
    estimate_s: float,
) -> tuple[float, bool]:
    """The seconds of the next training, and whether none follows its round. The arguments are those
    of `steps_in_rounds`."""
    seconds_left, rounds = _shared(inputs, left, slots, cost, seconds_spent, estimate_s)
    one = seed_cost(cost, inputs.config.seeds)
    return fold_seconds(seconds_left, rounds, one), rounds == 1


def _shared(
    inputs: RunInputs,
    left: int,
    slots: int,
    cost: FoldCost,
    seconds_spent: float,
    estimate_s: float,
) -> tuple[float, int]:
    """The seconds for all remaining rounds, and the number of these."""
    config = inputs.config
    assert config.budget
    one, rounds = seed_cost(cost, config.seeds), round_count(left, slots)
    seconds_left = budget_of_folds(inputs) - seconds_spent - (rounds - 1) * estimate_s
    with_full, left_s = rounds + round_count(config.seeds, slots), seconds_left - estimate_s
    if config.full and folds_within(left_s, with_full, one) == with_full:
        return left_s, with_full
    return seconds_left, rounds


def folds_in_rounds(seconds: float, folds: int, cost: FoldCost, seeds: int, slots: int) -> int:
    """How many of `folds` folds have room for a few steps each, as
    `comp.training.budget.folds_within`.

    Args:
        cost: of a fold with all its seeds.
    """
    if slots == 1:
        return folds_within(seconds, folds, cost)
    one = seed_cost(cost, seeds)
    rounds = ((n, round_count(n * seeds, slots)) for n in range(folds, 0, -1))
    return next((n for n, count in rounds if seconds_needed(count, one) <= seconds), 0)


def with_thaw_share(
    inputs: RunInputs, share: float, slots: int, cost: FoldCost, seconds_spent: float
) -> RunInputs:
    """The inputs of a run whose frozen stages train after a share of the steps that its first fold
    will have. The arguments are those of `steps_in_rounds`."""
    config, fold = inputs.config, inputs.folds_to_train[0]
    left = len(inputs.folds_to_train) * config.seeds
    steps = steps_in_rounds(inputs, left, slots, cost, seconds_spent, 0.0)
    epoch = epoch_steps(config, len(inputs.training_part(fold)))
    return replace(inputs, config=with_thaw(config, share, steps, epoch))


def with_thaw(config: RunConfig, share: float, steps: int, epoch_steps: int) -> RunConfig:
    """The configuration, whose frozen stages train after this share of the steps."""
    after = share * steps / epoch_steps
    return config.model_copy(update={"thaw": config.thaw.model_copy(update={"after": after})})
