"""What a run leaves out if its budget has no room for one fold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from budget_inputs import inputs

from comp.features.prepared import PreparedFeatures
from comp.pipeline.run_inputs import RunInputs
from comp.pipeline.small_budget import made_to_fit
from comp.runs.progress import Silent
from comp.training.averages import scorings
from comp.training.budget import FoldCost

COST = FoldCost(step_s=1.0, fixed_s=60.0, reserve_s=0.0, predict_s=30.0, validate_s=25.0)


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a machine that stalls has fewer seconds left."""
    clock = SimpleNamespace(perf_counter=lambda: 0.0)
    monkeypatch.setattr("comp.pipeline.small_budget.time", clock)


def fitted(given: RunInputs) -> tuple[RunInputs, FoldCost, list[str]]:
    notes: list[str] = []
    reporter: Any = Silent()
    reporter.note = notes.append
    return *made_to_fit(given, COST, 0.0, reporter), notes


def test_a_budget_with_room_changes_nothing() -> None:
    given = inputs(80.0, validations=5)
    found, cost, notes = fitted(given)
    assert found is given
    assert cost is COST
    assert notes == []


def test_copies_are_left_out_first_and_then_validations() -> None:
    found, cost, (note,) = fitted(inputs(60.0, validations=5))
    assert (found.config.predict.tta, found.config.validations) == ("none", 5)
    assert (cost.predict_s, cost.fixed_s) == (20.0, 50.0)
    assert note.startswith("THE BUDGET IS SMALL: one fold would need 67 s, and ")
    assert "the run sets predict.tta=none; budget=" in note

    found, cost, (note,) = fitted(inputs(40.0, validations=5))
    assert (found.config.predict.tta, found.config.validations) == ("none", 1)
    assert (cost.validate_s, cost.fixed_s) == (5.0, 30.0)
    assert "the run sets predict.tta=none and validations=1;" in note


def test_without_room_even_then_nothing_changes() -> None:
    given = inputs(20.0, validations=5)
    assert fitted(given) == (given, COST, [])


def test_cached_features_keep_their_copies() -> None:
    given = replace(inputs(55.0, validations=5), features=PreparedFeatures(Path("features")))
    found, _, (note,) = fitted(given)
    assert (found.config.predict.tta, found.config.validations) == ("hflip", 1)
    assert "the run sets validations=1;" in note


def test_validations_of_averaged_weights_stay() -> None:
    average = {"how": "greedy-soup"}
    given = inputs(62.0, validations=5, average=average, predict={"tta": "none"})
    scored = 5 + scorings(given.config.average)
    found, cost, _ = fitted(given)
    assert found.config.validations == 1
    assert cost.validate_s == pytest.approx(25.0 * (scored - 4) / scored)


def test_the_images_of_swa_are_not_left_out() -> None:
    given = inputs(62.0, validations=5, average={"how": "swa"}, predict={"tta": "none"})
    assert fitted(given) == (given, COST, [])
