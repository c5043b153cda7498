"""How many folds a budget has room for, and which settings a message names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from budget_inputs import inputs
from wording import message_faults

from comp.config.durations import duration_key, parse_duration
from comp.errors import RunError
from comp.pipeline.budget_advice import advice
from comp.pipeline.budget_folds import within_budget
from comp.pipeline.run_inputs import RunInputs
from comp.runs.progress import Silent
from comp.training.budget import FoldCost, seconds_needed

COST = FoldCost(step_s=3.0, fixed_s=45.0, reserve_s=1.0, predict_s=40.0)


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a machine that stalls has fewer seconds left."""
    clock = SimpleNamespace(perf_counter=lambda: 0.0)
    monkeypatch.setattr("comp.pipeline.budget_folds.time", clock)


def fitted(budget: float, cost: FoldCost = COST, **values: Any) -> tuple[RunInputs, list[str]]:
    notes: list[str] = []
    reporter: Any = Silent()
    reporter.note = notes.append
    found = within_budget(inputs(budget, **values), cost, 0.0, reporter)
    return found, notes


def test_a_budget_with_room_for_all_folds_says_nothing() -> None:
    found, notes = fitted(400.0)
    assert (list(found.folds_to_train), list(found.left_out), notes) == ([0, 1, 2, 3, 4], [], [])


def test_fewer_folds_are_trained_and_the_note_says_so_loudly() -> None:
    found, (note,) = fitted(150.0)
    assert (list(found.folds_to_train), list(found.left_out)) == ([0, 1], [2, 3, 4])
    assert note.startswith("THE BUDGET HAS ROOM FOR 2 OF 5 FOLDS (predicting takes 40 s of each")
    assert "training 3 s a step" in note
    assert "left out 2, 3, 4" in note


def test_without_room_for_one_fold_the_message_splits_prediction_from_training() -> None:
    with pytest.raises(RunError) as caught:
        fitted(50.0)
    message = str(caught.value)
    assert message_faults(f"comp: {message}\n") == []
    assert message.startswith("the budget is too small: 50 s are left, but one fold needs 63 s")
    assert "(predicting takes 40 s of each fold, training 3 s a step, at least 5 steps)" in message
    assert "set predict.tta=none, or image.size=168, or budget=" in message


def test_times_below_a_second_are_not_rounded_to_equal_ones() -> None:
    cost = FoldCost(step_s=0.01, fixed_s=0.1, reserve_s=0.0)
    with pytest.raises(RunError, match=r"0\.1 s are left, but one fold needs 0\.2 s"):
        fitted(0.12, cost)


@pytest.mark.parametrize("folds", [1, 5])
def test_every_named_setting_is_enough(folds: int) -> None:
    given = inputs(70.0 * folds, validations=5)
    cost = FoldCost(step_s=3.0, fixed_s=65.0, reserve_s=1.0, predict_s=40.0, validate_s=15.0)
    named = advice(given, cost, 70.0 * folds, folds).split(", or ")
    assert "predict.tta=none with validations=1" not in named
    assert "predict.tta=none" in named
    budget = parse_duration(named[-1].removeprefix("budget="))
    assert isinstance(budget, float)
    assert budget >= seconds_needed(folds, cost)


def test_settings_that_are_not_enough_alone_are_named_together() -> None:
    cost = FoldCost(step_s=0.1, fixed_s=40.0, reserve_s=0.0, predict_s=20.0, validate_s=18.0)
    given = inputs(25.0, validations=6, image={"size": 32})
    assert advice(given, cost, 25.0, 1).startswith("predict.tta=none with validations=1, or budget")
    assert advice(given, cost, 12.0, 1).startswith("budget=")


def test_fewer_folds_are_named_if_all_were_asked_for() -> None:
    assert "folds=3" in advice(inputs(205.0), COST, 205.0, 5)


@pytest.mark.parametrize(
    ("seconds", "text"), [(74.2, "75s"), (121.0, "3m"), (3600.0, "1h0m"), (5000.0, "1h24m")]
)
def test_a_budget_is_rounded_up_to_what_a_user_writes(seconds: float, text: str) -> None:
    assert duration_key(seconds) == text
    read = parse_duration(text)
    assert isinstance(read, float)
    assert read >= seconds
