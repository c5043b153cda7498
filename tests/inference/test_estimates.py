"""Scores with their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from comp.inference.estimates import Bootstrap, Estimate, estimate_of, groups_by_class


def test_an_interval_holds_the_value() -> None:
    assert estimate_of(0.9, np.linspace(0, 0.5, 11).tolist(), 5) == Estimate(
        0.9, pytest.approx(0.0125), 0.9
    )


def test_what_cannot_be_known_has_no_interval() -> None:
    drawn = [0.5] * 20
    assert estimate_of(0.5, drawn, 4) == Estimate(0.5, None, None)
    assert estimate_of(0.5, [*drawn[:9], *[float("nan")] * 11], 9) == Estimate(0.5, None, None)
    assert estimate_of(0.5, drawn, 5) == Estimate(0.5, 0.5, 0.5)


def test_a_share_of_none_or_all_has_the_interval_of_a_binomial() -> None:
    bound = 0.025 ** (1 / 10)
    assert estimate_of(1, [1.0] * 20, 10, share=True) == Estimate(1, bound, 1)
    assert estimate_of(0, [0.0] * 20, 10, share=True) == Estimate(0, 0, 1 - bound)
    assert estimate_of(1, [1.0] * 20, 10) == Estimate(1, 1, 1)


def test_columns_are_computed_for_many_draws_at_once() -> None:
    calls = []

    def columns(weights: np.ndarray) -> np.ndarray:
        calls.append(weights.shape)
        return weights.T[:, :1] * 2

    groups = [str(i) for i in range(6)]
    bootstrap = Bootstrap(groups=groups, draws=30, seed=0, columns=columns)
    found = bootstrap.estimates(lambda w, c: {"same": float(c[0] == 2 * w[0]), "nan": float("nan")})
    assert found == {"same": Estimate(1, 1, 1)}
    assert sorted(calls) == [(6, 1), (6, 30)]


def test_groups_are_counted_by_class() -> None:
    truth, groups = np.array([0, 0, 0, 2, 2, 2]), list("aabbcd")
    assert groups_by_class(truth, groups, 4).tolist() == [2, 0, 3, 0]
