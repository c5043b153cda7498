"""The part of a budget that is kept for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from comp.config.schema import RunConfig, resolve
from comp.pipeline.budget_rounds import steps_in_rounds
from comp.pipeline.budget_shares import estimator_seconds, steps_in_budget
from comp.pipeline.report_time import budget_of_folds, report_seconds
from comp.training.budget import FoldCost

COST = FoldCost(step_s=1.0, fixed_s=10.0, reserve_s=0.0)


@dataclass(frozen=True)
class Inputs:
    config: RunConfig
    train: tuple[str, ...] = ("a",) * 2500
    folds_to_train: tuple[int, ...] = (0, 1, 2)


def inputs(**settings: object) -> Any:
    return Inputs(resolve("toy", [{"folds": 3, "budget": 1000.0, **settings}]))


def test_a_budget_keeps_some_seconds_for_the_report_of_2500_samples() -> None:
    """97 % of the other 996.5 seconds are planned."""
    assert report_seconds(inputs()) == pytest.approx(3.5)
    assert steps_in_budget(inputs(), [], COST, 0.0, 0.0) == int(996.5 * 0.97 / 3 - 10)
    assert steps_in_rounds(inputs(), 3, 1, COST, 0.0, 0.0) == int(996.5 * 0.97 / 3 - 10)
    assert estimator_seconds(inputs(), [], 0.0) == pytest.approx(996.5 * 0.97 / 3)


def test_a_short_budget_keeps_a_small_part_of_it() -> None:
    assert budget_of_folds(inputs(budget=20.0)) == pytest.approx(19.0)


def test_notes_take_their_time_without_a_report() -> None:
    assert report_seconds(inputs(report={"write": False})) == pytest.approx(3.5)
    assert report_seconds(inputs(report={"write": False, "notes": False})) == 0.0


def test_there_is_nothing_to_keep_without_a_budget() -> None:
    assert report_seconds(inputs(budget=None)) == budget_of_folds(inputs(budget=None)) == 0.0
