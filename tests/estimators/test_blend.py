"""Weights of a blend."""

from __future__ import annotations

import numpy as np
import pytest

from comp.contract.metric import Metric, Pairs
from comp.contract.metrics import AUC, MAE, QWK, RMSE
from comp.estimators.blend import blend_weights

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=(400, 1))


def noisy(size: float, seed: int) -> np.ndarray:
    noise: np.ndarray = np.random.default_rng(seed).normal(size=TRUTH.shape)
    return TRUTH + size * noise


def test_equal_members_keep_equal_weights() -> None:
    member = noisy(0.5, 1)
    assert blend_weights(TRUTH, [member, member.copy()], RMSE) == (0.5, 0.5)
    assert blend_weights(TRUTH, [member] * 3, RMSE) == pytest.approx((1 / 3,) * 3)
    assert blend_weights(TRUTH, [member], RMSE) == (1.0,)


@pytest.mark.parametrize("metric", [RMSE, MAE, None])
def test_weights_are_those_of_the_least_error(metric: object) -> None:
    """Of independent errors, the best weights are as 1 / variance: 0.8 and 0.2."""
    weights = blend_weights(TRUTH, [noisy(0.5, 1), noisy(1.0, 2)], metric)  # type: ignore[arg-type]
    assert sum(weights) == pytest.approx(1)
    assert weights[0] == pytest.approx(0.8, abs=0.08)
    assert weights == blend_weights(TRUTH, [noisy(0.5, 1), noisy(1.0, 2)], metric)  # type: ignore[arg-type]


def test_a_useless_member_gets_nothing() -> None:
    weights = blend_weights(TRUTH, [noisy(0.1, 1), noisy(9, 2), noisy(9, 3)], RMSE)
    assert weights[0] > 0.97
    assert min(weights) >= 0


def test_a_metric_that_is_larger_when_better_and_one_of_decisions() -> None:
    classes = (TRUTH > 0).astype(float)
    good, bad = 1 / (1 + np.exp(-3 * noisy(0.3, 1))), RNG.random(TRUTH.shape)
    assert blend_weights(classes, [good, bad], AUC)[0] > 0.9
    assert blend_weights(classes, [good, bad], QWK)[0] > 0.8


def test_shares_of_classes_are_compared_with_the_class() -> None:
    truth = RNG.integers(0, 3, size=(200, 1)).astype(float)
    good = 0.7 * np.eye(3)[truth[:, 0].astype(int)] + 0.1
    bad = RNG.dirichlet([1, 1, 1], size=200)
    assert blend_weights(truth, [good, bad], None)[0] > 0.9


def test_predictions_that_are_not_finite_or_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        blend_weights(TRUTH, [TRUTH, np.full_like(TRUTH, np.nan)], RMSE)
    with pytest.raises(ValueError, match="shapes"):
        blend_weights(TRUTH, [TRUTH, TRUTH[:5]], RMSE)


def test_a_metric_that_works_in_place_gives_the_same_weights() -> None:
    def own(pairs: Pairs) -> float:
        return float(RMSE.score([(np.exp(t, out=t), np.exp(p, out=p)) for t, p in pairs]))

    def plain(pairs: Pairs) -> float:
        return float(RMSE.score([(np.exp(t), np.exp(p)) for t, p in pairs]))

    members = [noisy(0.5, 1), noisy(1.0, 2)]
    found, expected = (
        blend_weights(TRUTH.copy(), members, Metric(name="own", score=score, direction="min"))
        for score in (own, plain)
    )
    assert found == expected
