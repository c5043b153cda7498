"""The range test on functions with a known answer."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from comp.errors import RunError
from comp.training.range_test import HIGHEST_RATE, LOWEST_RATE, Curve, range_test, smooth


def descent(curvature: float, noise: float = 0.0) -> Callable[[float], float]:
    """Gradient descent on curvature / 2 * w^2 from w = 1, which diverges above 2 / curvature."""
    weight, rng = 1.0, np.random.default_rng(0)

    def step(rate: float) -> float:
        nonlocal weight
        loss = curvature / 2 * weight**2
        weight -= rate * curvature * weight
        return loss * (1 + noise * rng.standard_normal()) + curvature / 10

    return step


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("curvature", [100.0, 1e3, 1e4])
@pytest.mark.parametrize("steps", [60, 100, 300])
def test_the_suggestion_is_in_the_decades_below_divergence(
    curvature: float, noise: float, steps: int
) -> None:
    curve = range_test(descent(curvature, noise), steps)
    assert curve.exploded
    assert curve.suggestion is not None
    assert 0.001 / curvature < curve.suggestion < 1 / curvature
    assert curve.suggestion < curve.rates[curve.lowest] < 2 / curvature * 3
    assert curve.tenth == curve.rates[curve.lowest] / 10


def test_rates_rise_by_one_factor_from_the_lowest_to_the_highest() -> None:
    told: list[tuple[int, float, float]] = []
    curve = range_test(lambda rate: 1.0, 50, lambda *point: told.append(point))
    assert (curve.rates[0], curve.rates[-1]) == pytest.approx((LOWEST_RATE, HIGHEST_RATE))
    ratios = np.divide(curve.rates[1:], curve.rates[:-1])
    assert ratios == pytest.approx([1e7 ** (1 / 49)] * 49)
    assert not curve.exploded
    assert told == [(i + 1, rate, 1.0) for i, rate in enumerate(curve.rates)]


def test_the_test_stops_soon_after_the_loss_is_four_times_its_best() -> None:
    losses = iter([1.0] * 60 + [3.5] * 60 + [1e3] * 80)
    curve = range_test(lambda rate: next(losses), 200)
    assert 120 < len(curve.rates) < 125
    losses = iter([1.0] * 60 + [3.5] * 140)
    assert not range_test(lambda rate: next(losses), 200).exploded


def test_a_negative_loss_does_not_stop_by_its_sign() -> None:
    curve = range_test(lambda rate: -1.0 - rate, 100)
    assert not curve.exploded
    assert curve.lowest == 99


def test_a_loss_that_is_not_finite_ends_the_test_and_is_not_recorded() -> None:
    curve = range_test(lambda rate: 1.0 if rate < 1e-3 else math.nan, 100)
    assert curve.exploded
    assert max(curve.rates) < 1e-3
    assert all(map(math.isfinite, curve.smoothed))


def test_a_loss_that_never_was_finite_is_a_mistake() -> None:
    with pytest.raises(RunError, match="not finite after 0 steps"):
        range_test(lambda rate: math.inf, 100)


def test_a_loss_that_only_rises_suggests_nothing() -> None:
    curve = range_test(lambda rate: 1.0 + rate, 100)
    assert (curve.lowest, curve.steepest, curve.suggestion, curve.tenth) == (0, None, None, None)


@pytest.mark.parametrize("steps", [30, 100, 300])
def test_noise_alone_seldom_suggests_anything_and_a_fall_within_noise_does(steps: int) -> None:
    def suggested(depth: float, seed: int) -> bool:
        rng = np.random.default_rng(seed)

        def step(rate: float) -> float:
            fall = depth / (1 + 1e-4 / rate)
            return 0.7 - fall + 5 * rate + 0.1 * float(rng.standard_normal())

        return range_test(step, steps).suggestion is not None

    assert sum(suggested(0.0, seed) for seed in range(40)) <= 4
    assert sum(suggested(0.35, seed) for seed in range(40)) >= 36


def test_smoothing_does_not_shift_a_step() -> None:
    found = smooth([1.0] * 50 + [0.0] * 50, 100)
    assert found[:30] == pytest.approx([1.0] * 30)
    assert found[70:] == pytest.approx([0.0] * 30)
    curve = Curve(
        rates=np.geomspace(1e-7, 1, 100).tolist(), losses=found, smoothed=found, planned=100
    )
    assert curve.steepest in (49, 50)


def test_an_explosion_does_not_drown_the_lowest_loss_before_it() -> None:
    found = smooth([1.0] * 50 + [0.5] * 30 + [1e9] * 2, 100)
    assert 60 < int(np.argmin(found)) < 76
    assert max(found) < 4
