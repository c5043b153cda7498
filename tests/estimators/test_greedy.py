"""Greedy selection with replacement."""

from __future__ import annotations

import math

import numpy as np
import pytest

from comp.estimators.greedy import greedy_weights

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=3000)
MEMBERS = np.stack([TRUTH + size * RNG.normal(size=3000) for size in (0.5, 1.0, 2.0)])


def squared_error(weights: np.ndarray) -> float:
    return float(((weights @ MEMBERS - TRUTH) ** 2).mean())


def test_a_known_mixture_is_found() -> None:
    weights = greedy_weights(3, squared_error)
    assert weights == pytest.approx((16 / 21, 4 / 21, 1 / 21), abs=0.06)
    assert sum(weights) == pytest.approx(1)


def test_the_best_member_comes_first_and_stays_alone_if_nothing_helps() -> None:
    assert greedy_weights(3, squared_error, rounds=1) == (1.0, 0.0, 0.0)
    assert greedy_weights(3, lambda weights: 1 - float(weights[1])) == (0.0, 1.0, 0.0)


def test_an_error_that_is_not_defined_selects_nothing() -> None:
    assert greedy_weights(2, lambda _weights: math.nan) == (0.5, 0.5)
    assert greedy_weights(2, lambda w: math.nan if w[0] == 1 else 1.0) == (0.0, 1.0)
