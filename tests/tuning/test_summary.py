"""What is said of the best trial of a study."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose, nan
from types import SimpleNamespace
from typing import Any

import pytest

from comp.config.schema import resolve
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.tuning.outcome import Outcome
from comp.tuning.result import TrialRow
from comp.tuning.space import make_space

pytest.importorskip("optuna")

from comp.tuning.summary import _warnings, best_row, left_out_score

HOUSES = table(name="toy", title="Toy", kaggle="competitions/toy", task=regression(("price",)))


def warnings_of(space: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    layers = [HOUSES.defaults, {"model": ["knn", "linear"], "linear": {"strength": 1.0}}]
    settings: Any = SimpleNamespace(
        space=make_space(space, "toy", layers, HOUSES.options),
        config=resolve("toy", layers),
        with_values=lambda layer: resolve("toy", [*layers, layer]),
    )
    outcome = Outcome(state="complete", value=1.0)
    return _warnings(settings, TrialRow(number=1, is_default=False, values=values, outcome=outcome))


@pytest.mark.parametrize(("value", "end"), [(1, ""), (5, ""), (9, "high")])
def test_an_edge_is_the_last_step_and_only_where_the_configuration_goes_on(
    value: int, end: str
) -> None:
    space = {"knn": {"neighbors": {"low": 1, "high": 10, "step": 4}}}
    found = warnings_of(space, {"knn.neighbors": value})
    assert len(found) == bool(end)
    assert all(f"= {value} of the best trial is at the {end} end" in text for text in found)


def test_a_logarithmic_range_goes_on_by_a_factor() -> None:
    space = {"linear": {"strength": {"low": 0.01, "high": 100.0, "log": True}}}
    assert "at the low end" in warnings_of(space, {"linear.strength": 0.0101})[0]
    assert "at the high end" in warnings_of(space, {"linear.strength": 99.0})[0]
    assert not warnings_of(space, {"linear.strength": 1.0})


def test_a_value_that_no_file_can_give_is_told() -> None:
    space = {"linear": {"strength": ["none", 1.0]}}
    (text,) = warnings_of(space, {"linear.strength": None})
    assert "give --set linear.strength=none" in text


def test_the_steps_of_a_range_stay_inside_of_it() -> None:
    space = {"linear": {"strength": {"low": 0.1, "high": 0.3, "step": 0.1}}}
    (parameter,) = make_space(space, "toy", [HOUSES.defaults], HOUSES.options).parameters
    assert [parameter.stored(value) for value in parameter.values()] == [0.1, 0.2, 0.3]


def row(number: int, scores: tuple[float, ...], own: tuple[float, ...] = ()) -> TrialRow:
    outcome = Outcome(
        state="complete",
        value=sum(scores),
        fold_scores=dict(enumerate(scores)),
        own_scores=dict(enumerate(own)),
    )
    return TrialRow(number=number, is_default=number == 5, values={}, outcome=outcome)


def settings_of(direction: str) -> Any:
    return SimpleNamespace(folds=(0, 1), metric=SimpleNamespace(direction=direction))


def test_winners_are_chosen_by_decisions_that_do_not_know_the_fold_left_out() -> None:
    """By the scores with decisions of the other folds, the first trial would win both times."""
    rows = [row(0, (0.6, 0.8), (0.9, 0.5)), row(1, (0.3, 0.7), (0.5, 0.9))]
    assert isclose(left_out_score(rows, settings_of("max")) or 0, (0.3 + 0.8) / 2)
    without = [row(0, (0.6, 0.8)), row(1, (0.3, 0.7))]
    assert isclose(left_out_score(without, settings_of("max")) or 0, (0.6 + 0.8) / 2)
    assert isclose(left_out_score(without, settings_of("min")) or 0, (0.3 + 0.7) / 2)
    assert left_out_score([*without, row(2, (nan, 0.7))], settings_of("max")) is None


def test_of_equal_trials_the_default_is_the_best() -> None:
    """It has a later number if it was stopped and ran again."""
    rows = [row(1, (0.5, 0.5)), row(5, (0.5, 0.5)), row(6, (0.25, 0.5))]
    numbers = [best_row(rows, settings_of(d)) for d in ("max", "min")]
    assert [found and found.number for found in numbers] == [5, 6]
