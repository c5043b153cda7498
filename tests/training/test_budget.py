"""The time budget, converted to steps."""

from __future__ import annotations

import pytest

from comp.runs.results import FoldResult
from comp.training.budget import (
    MIN_STEPS,
    SAFETY,
    FoldCost,
    cost_of,
    folds_within,
    seconds_needed,
    steps_within,
)

COST = FoldCost(step_s=0.5, fixed_s=10.0, reserve_s=4.0)


def result(**values: float) -> FoldResult:
    times = {"setup_s": 2.0, "fit_s": 60.0, "predict_s": 5.0, "validate_s": 10.0} | values
    return FoldResult(
        fold=0,
        score=0.1,
        loss=0.1,
        epoch=1,
        step=50,
        steps=100,
        planned=100,
        stopped_early=False,
        images_per_second=1.0,
        wait_share=0.0,
        **times,
    )


def test_a_fold_costs_its_steps_and_its_fixed_part() -> None:
    assert COST.fold_s(0) == 10.0
    assert COST.fold_s(8) == 14.0


def test_a_fold_of_several_seeds_costs_all_its_trainings() -> None:
    assert COST.repeated(3).fold_s(8) == 3 * COST.fold_s(8)
    assert COST.repeated(3).reserve_s == COST.reserve_s
    assert steps_within(200.0, 2, COST.repeated(2)) == 75


def test_steps_fill_the_remaining_time() -> None:
    # (200 * 0.97 - 4) / 2 - 10 = 85 seconds of steps a fold
    assert steps_within(200.0, 2, COST) == 170
    assert steps_within(200.0, 1, COST) == 360


@pytest.mark.parametrize("folds", [1, 2, 5])
@pytest.mark.parametrize("seconds", [97.0, 300.0, 12_345.6])
def test_the_plan_fits_and_one_more_step_would_not(seconds: float, folds: int) -> None:
    steps = steps_within(seconds, folds, COST)
    usable = seconds * SAFETY - COST.reserve_s
    assert folds * COST.fold_s(steps) <= usable < folds * COST.fold_s(steps + 1)


@pytest.mark.parametrize("seconds", [0.0, -50.0, 12.0])
def test_a_fold_makes_at_least_one_step(seconds: float) -> None:
    assert steps_within(seconds, 3, COST) == 1


def test_a_budget_has_room_for_the_folds_that_train_a_few_steps() -> None:
    least = (3 * (10.0 + 0.5 * MIN_STEPS) + 4.0) / SAFETY
    assert seconds_needed(3, COST) == pytest.approx(least)
    assert folds_within(least + 1e-6, 3, COST) == 3
    assert folds_within(least - 1e-6, 3, COST) == 2
    assert folds_within(10 * least, 3, COST) == 3
    assert [folds_within(seconds, 3, COST) for seconds in (16.0, 17.1, -1.0)] == [0, 1, 0]


@pytest.mark.parametrize("folds", [1, 2, 3])
def test_each_fold_within_the_budget_has_at_least_the_few_steps(folds: int) -> None:
    least = seconds_needed(folds, COST) + 1e-6
    assert steps_within(least, folds_within(least, 3, COST), COST) >= MIN_STEPS


def test_the_cost_of_a_fold_separates_training_from_the_rest() -> None:
    cost = cost_of(result(), 80.0)
    parts = {"predict_s": 5.0, "validate_s": 10.0, "submit_s": 13.0}
    assert cost == FoldCost(step_s=0.5, fixed_s=30.0, reserve_s=2.0, **parts)
    assert cost.setup_s == 2.0
    assert cost.fold_s(100) == 80.0
    assert cost_of(result(), 80.0, 7.0).reserve_s == 7.0
    assert cost_of(result(), 80.0, 7.0, readings=2).reserve_s == 9.0


def test_a_clock_that_disagrees_gives_no_negative_cost() -> None:
    assert cost_of(result(), 49.0).fixed_s == 0.0
