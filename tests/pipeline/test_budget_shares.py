"""What a fold gets of the budget, with seeds and with a full model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from comp.config.schema import RunConfig, resolve
from comp.pipeline.budget_shares import estimator_seconds, steps_in_budget
from comp.training.budget import FoldCost

COST = FoldCost(step_s=1.0, fixed_s=10.0, reserve_s=0.0)


@dataclass(frozen=True)
class Inputs:
    config: RunConfig
    folds_to_train: tuple[int, ...] = (0, 1, 2)
    train: tuple[str, ...] = ("a",) * 2500


def inputs(**settings: object) -> Any:
    report = {"write": False, "notes": False}
    return Inputs(resolve("toy", [{"folds": 3, "budget": 1000.0, "report": report, **settings}]))


def test_the_full_model_counts_as_one_more_fold() -> None:
    """970 of 1000 seconds are planned."""
    assert steps_in_budget(inputs(), [], COST, 0.0, 0.0) == int(970 / 3 - 10)
    assert steps_in_budget(inputs(full=True), [], COST, 0.0, 0.0) == int(970 / 4 - 10)


def test_folds_come_first_if_there_is_no_room_for_the_full_model() -> None:
    """Four folds of 5 steps need 60 seconds."""
    short = inputs(full=True, budget=55.0)
    assert steps_in_budget(short, [], COST, 0.0, 0.0) == int(55 * 0.97 / 3 - 10)


def test_estimators_share_the_time_with_all_seeds_and_the_full_model() -> None:
    assert estimator_seconds(inputs(), [], 0.0) == pytest.approx(970 / 3)
    assert estimator_seconds(inputs(seeds=2, full=3), [], 0.0) == pytest.approx(970 / 8)
    assert estimator_seconds(inputs(budget=None), [], 0.0) is None
