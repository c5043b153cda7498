"""Measurements of a busy machine: two that differ call for a third."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from comp.config.schema import resolve
from comp.pipeline import pace
from comp.pipeline.pace import Pace, disagree, measure_pace, median_pace


def unlimited(**settings: object) -> Any:
    return SimpleNamespace(config=resolve("toy", [settings]))


def of(step_s: float, predict_s: float = 1.0) -> Pace:
    return Pace(step_s=step_s, build_s=0.1, validate_s=0.5, predict_s=predict_s)


@pytest.mark.parametrize(
    ("first", "second", "differ"),
    [(1.0, 1.3, False), (1.3, 1.0, False), (1.0, 1.4, True), (1.4, 1.0, True)],
)
def test_measurements_disagree_beyond_a_third(first: float, second: float, differ: bool) -> None:
    assert disagree(of(first), of(second)) is differ
    assert disagree(of(1.0, first), of(1.0, second)) is differ


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([0.2, 0.1, 0.1, 0.1], 0.1),
        ([0.2, 0.1, 0.1, 0.3, 0.12], 0.12),
        ([0.6, 0.5, 0.5], 0.5),
        ([2.5, 2.4], 2.45),
        ([9.0, 2.5, 2.4], 2.5),
    ],
    ids=["fast", "fast and busy", "neither", "slow", "slow and busy"],
)
def test_a_third_measurement_and_the_median(
    steps: list[float], expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fast steps have two warm-ups, which do not count; slow ones count from the first."""
    left = iter(steps)
    monkeypatch.setattr(pace, "_measure_once", lambda *_: of(next(left)))
    assert measure_pace(unlimited()).step_s == pytest.approx(expected)
    assert list(left) == []


def test_no_other_measurement_starts_when_a_tenth_of_the_budget_is_spent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each takes 4 of 60 seconds."""
    now = iter(range(0, 1000, 4))
    measured: list[int] = []
    monkeypatch.setattr("comp.pipeline.pace.time.perf_counter", lambda: float(next(now)))
    monkeypatch.setattr(pace, "_measure_once", lambda *_: of(1.0) if not measured.append(0) else 0)
    assert measure_pace(unlimited(budget=60.0)).step_s == 1.0
    assert len(measured) == 2


def test_the_median_of_two_is_their_mean() -> None:
    assert median_pace([of(1.0, 2.0), of(2.0, 4.0)]) == of(1.5, 3.0)
