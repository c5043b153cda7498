"""The noise of a score on a test of another size."""

from __future__ import annotations

import numpy as np
import pytest

from comp.inference.public_noise import score_noise, sized_draws

N = 1000


def mean_of(values: np.ndarray):  # type: ignore[no-untyped-def]
    return lambda weights: float(weights @ values / weights.sum())


def test_the_noise_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=N)
    groups = [str(row) for row in range(N)]
    for size in (100, 400, 4000):
        noise = score_noise(mean_of(values), groups, size)
        assert noise == pytest.approx(size**-0.5, rel=0.12)


def test_whole_groups_are_drawn() -> None:
    """Ten equal samples of a group tell as much as one."""
    values = np.repeat(np.random.default_rng(0).normal(size=N // 10), 10)
    groups = [str(row // 10) for row in range(N)]
    draws = list(sized_draws(groups, 200, 5, seed=0))
    assert all(weights.sum() == 200 for weights in draws)
    assert all((weights.reshape(-1, 10) == weights[::10, None]).all() for weights in draws)
    assert score_noise(mean_of(values), groups, 200) == pytest.approx(20**-0.5, rel=0.15)


def test_a_score_that_is_not_defined_has_no_noise() -> None:
    assert score_noise(lambda _weights: float("nan"), ["a", "b"], 2) is None
    values = np.arange(4.0)
    noise = score_noise(mean_of(values), list("abcd"), 4, limit_s=0.0)
    assert noise is None  # one draw
