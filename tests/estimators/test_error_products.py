"""Weights with the least squared error, from sums of products of errors."""

from __future__ import annotations

import numpy as np
import pytest

from comp.estimators.error_products import ErrorProducts, least_error_weights, sum_of

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=(4000, 1))


def noisy(*sizes: float) -> np.ndarray:
    """Members (M, N, 1) with independent errors of these sizes."""
    return np.stack([TRUTH + size * RNG.normal(size=TRUTH.shape) for size in sizes])


def weights_of(members: np.ndarray, truth: np.ndarray = TRUTH) -> tuple[float, ...]:
    return least_error_weights(ErrorProducts.of(members, truth).matrix())


def test_a_known_mixture_is_found() -> None:
    """Of independent errors, the weights are as 1 / variance: 16, 4 and 1 of 21."""
    weights = weights_of(noisy(0.5, 1.0, 2.0))
    assert weights == pytest.approx((16 / 21, 4 / 21, 1 / 21), abs=0.02)
    assert sum(weights) == pytest.approx(1, abs=1e-12)


def test_the_error_is_the_least_of_all_weights() -> None:
    shared = RNG.normal(size=TRUTH.shape)
    members = noisy(0.5, 0.7, 0.9, 1.5) + shared * np.array([0.1, 0.3, 0.2, 0.9]).reshape(4, 1, 1)
    matrix = ErrorProducts.of(members, TRUTH).matrix()
    best = np.array(least_error_weights(matrix))
    assert best.min() >= 0
    for other in RNG.dirichlet([0.5] * 4, size=2000):
        assert best @ matrix @ best <= other @ matrix @ other + 1e-6


def test_the_matrix_gives_the_error_of_a_blend_in_units_of_the_variance() -> None:
    truth = np.concatenate([TRUTH, 1000 + 50 * RNG.normal(size=TRUTH.shape)], axis=1)
    members = truth + RNG.normal(size=(2, *truth.shape)) * np.array([0.3, 20.0])
    weights = np.array([0.3, 0.7])
    blended = np.einsum("m,mnk->nk", weights, members)
    expected = (((blended - truth) ** 2).mean(axis=0) / truth.var(axis=0)).mean()
    matrix = ErrorProducts.of(members, truth).matrix()
    assert weights @ matrix @ weights == pytest.approx(expected)
    halves = [
        ErrorProducts.of(members[:, part], truth[part]) for part in np.split(np.arange(4000), 8)
    ]
    np.testing.assert_allclose(sum_of(halves).matrix(), matrix)


def test_equal_members_have_equal_weights_and_useless_ones_none() -> None:
    good, bad = noisy(0.5)[0], TRUTH + 50 + noisy(9.0)[0]
    assert weights_of(np.stack([good, good, bad])) == pytest.approx((0.5, 0.5, 0.0), abs=1e-5)
    assert weights_of(np.stack([TRUTH, TRUTH])) == (0.5, 0.5)
