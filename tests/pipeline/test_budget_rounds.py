"""A budget is split by rounds of trainings that run at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from comp.config.schema import RunConfig, resolve
from comp.pipeline.budget_rounds import (
    estimator_seconds_in_rounds,
    folds_in_rounds,
    left_in_rounds,
    round_count,
    steps_in_rounds,
    with_thaw_share,
)
from comp.pipeline.budget_shares import estimator_seconds, steps_in_budget
from comp.training.budget import MIN_STEPS, SAFETY, FoldCost, folds_within

COST = FoldCost(step_s=0.5, fixed_s=2.0, reserve_s=1.0)


def inputs(budget: float = 100.0, seeds: int = 1, full: float = 0.0, folds: int = 5) -> Any:
    report = SimpleNamespace(write=False, notes=False)
    config = SimpleNamespace(budget=budget, seeds=seeds, full=full, model=["mlp"], report=report)
    return SimpleNamespace(config=config, folds_to_train=range(folds), train=())


@pytest.mark.parametrize(("left", "slots", "rounds"), [(5, 2, 3), (4, 2, 2), (1, 4, 1), (0, 2, 1)])
def test_rounds(left: int, slots: int, rounds: int) -> None:
    assert round_count(left, slots) == rounds


def test_one_slot_is_the_rule_of_one_fold_after_another() -> None:
    for full in (0.0, 1.0):
        run = inputs(full=full)
        serial = steps_in_budget(run, [], COST, 10.0, 1.0)
        assert steps_in_rounds(run, 5, 1, COST, 10.0, 1.0) == serial
        assert estimator_seconds_in_rounds(run, 5, 1, 10.0) == estimator_seconds(run, [], 10.0)
    assert folds_in_rounds(20.0, 5, COST, 1, 1) == folds_within(20.0, 5, COST)


def test_all_of_a_round_get_the_same_share() -> None:
    left = [left_in_rounds(10, started, 4) for started in range(10)]
    assert [round_count(count, 4) for count in left] == [3] * 4 + [2] * 4 + [1] * 2


@pytest.mark.parametrize(("seeds", "slots"), [(3, 3), (2, 4), (3, 2)])
def test_one_task_fits_the_estimators_of_all_seeds(seeds: int, slots: int) -> None:
    run = inputs(seeds=seeds, full=1.0, folds=1)
    run.config.model = ["gbdt", "mlp"]
    seconds = estimator_seconds_in_rounds(run, seeds, slots, 0.0)
    assert seconds == pytest.approx(100.0 * SAFETY / (2 * 2 * seeds))


@pytest.mark.parametrize("slots", [1, 2, 3, 4])
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("slow", [1.0, 1.3])
def test_a_budget_holds(slots: int, seeds: int, slow: float) -> None:
    """Fold after fold is planned when a slot is free; every fifth one takes longer than planned."""
    run, ends, tasks = inputs(1000.0, seeds), [0.0] * slots, 5 * seeds
    cost, planned = COST.repeated(seeds), {}
    for task in range(tasks):
        now = min(ends)
        left = left_in_rounds(tasks, task, slots)
        fold = task // seeds
        if fold not in planned:
            planned[fold] = steps_in_rounds(run, left, slots, cost, now, 0.0)
        took = COST.fold_s(planned[fold]) * (slow if fold == 2 and seeds == 1 else 1.0)
        ends[ends.index(now)] = now + took
    assert max(ends) <= 1000.0 * (1.05 if slow > 1 else 1.0)
    if slow == 1.0:
        rounds = round_count(tasks, slots)
        assert max(ends) >= 0.9 * SAFETY * 1000.0 * (1 if seeds == 1 else (rounds - 1) / rounds)


def test_more_folds_fit_if_they_train_at_the_same_time() -> None:
    seconds = (2 * COST.fold_s(MIN_STEPS) + COST.reserve_s) / SAFETY + 0.01
    assert folds_in_rounds(seconds, 5, COST, 1, 1) == 2
    assert folds_in_rounds(seconds, 5, COST, 1, 2) == 4
    assert folds_in_rounds(seconds, 5, COST, 1, 3) == 5
    assert folds_in_rounds(0.5, 5, COST, 1, 3) == 0


def test_the_full_model_has_its_round_if_there_is_room() -> None:
    without = steps_in_rounds(inputs(), 4, 2, COST, 0.0, 0.0)
    with_full = steps_in_rounds(inputs(full=1.0), 4, 2, COST, 0.0, 0.0)
    assert without > with_full
    assert 3 * COST.fold_s(with_full) + COST.reserve_s <= 100.0
    tight = steps_in_rounds(inputs(budget=12.0, full=1.0), 4, 2, COST, 0.0, 0.0)
    assert tight == steps_in_rounds(inputs(budget=12.0), 4, 2, COST, 0.0, 0.0)


@pytest.mark.parametrize("slots", [1, 2])
def test_stages_thaw_after_a_share_of_the_steps_that_the_first_fold_gets(slots: int) -> None:
    config = resolve("denoising", [{"budget": 100.0, "loader": {"batch_size": 5}}])
    run = RunInputsOfTest(config=config, folds_to_train=range(5))
    thawed = with_thaw_share(run, 0.25, slots, COST, 10.0)  # type: ignore[arg-type]
    steps = steps_in_rounds(run, 5, slots, COST, 10.0, 0.0)  # type: ignore[arg-type]
    assert steps > 20
    assert thawed.config.thaw.after == pytest.approx(0.25 * steps / 8)
    assert run.config.thaw.after != thawed.config.thaw.after


@dataclass(frozen=True)
class RunInputsOfTest:
    """What is asked of the inputs of a run: 40 training samples in each fold."""

    config: RunConfig
    folds_to_train: range
    train: range = range(50)

    def training_part(self, _fold: int) -> list[int]:
        return list(range(40))
