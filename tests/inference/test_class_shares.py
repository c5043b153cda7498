"""Class shares of a test without labels, on simulated probabilities whose shares are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from comp.inference.class_shares import (
    Method,
    NoEstimateError,
    ShareEstimate,
    SharesInput,
    calibrate,
    em_deviation,
    em_shares,
    estimate_shares,
    keep_order,
    reweigh,
)

METHODS: tuple[Method, ...] = ("em", "bbse")


def draw(
    rng: np.random.Generator, shares: Sequence[float], trained: Sequence[float], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Classes, and the probabilities that a classifier gives them which knows how the samples look
    and that the classes had the shares `trained`: calibrated if both shares are equal."""
    classes = len(shares)
    truth = rng.choice(classes, count, p=shares)
    seen = rng.normal(size=(count, classes)) + 1.5 * np.eye(classes)[truth]
    odds = np.exp(1.5 * seen) * np.array(trained)
    return truth, odds / odds.sum(1, keepdims=True)


def overconfident(probabilities: np.ndarray, power: float) -> np.ndarray:
    sharp = probabilities**power
    return np.asarray(sharp / sharp.sum(1, keepdims=True))


def simulate(
    seed: int, trained: Sequence[float], shares: Sequence[float], power: float = 1.0
) -> SharesInput:
    rng = np.random.default_rng(seed)
    truth, probabilities = draw(rng, trained, trained, 2000)
    test = np.stack([overconfident(draw(rng, shares, trained, 400)[1], power)])
    known = overconfident(probabilities, power)
    return SharesInput(
        targets=truth,
        probabilities=known,
        decided=known.argmax(1),
        test=test,
        test_decided=test.argmax(2),
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize(
    ("trained", "shares"), [((0.3, 0.7), (0.6, 0.4)), ((0.5, 0.3, 0.2), (0.1, 0.3, 0.6))]
)
def test_the_shares_are_found_within_their_deviation(
    method: Method, power: float, trained: Sequence[float], shares: Sequence[float]
) -> None:
    """The mean error of 12 draws is within 3 standard errors, and each is within 4."""
    errors, deviations = [], []
    for seed in range(12):
        found = estimate_shares(method, simulate(seed, trained, shares, power))
        errors.append(np.array(found.test) - shares)
        deviations.append(found.deviation)
    scaled = np.array(errors) / np.array(deviations)
    assert np.abs(scaled).max() < 4
    assert np.abs(scaled.mean(0)).max() < 3 / np.sqrt(12) + 0.3
    assert np.array(deviations).max() < 0.06


@pytest.mark.parametrize("method", METHODS)
def test_without_a_shift_the_shares_stay(method: Method) -> None:
    scaled = []
    for seed in range(12):
        found = estimate_shares(method, simulate(seed, (0.3, 0.7), (0.3, 0.7), 2.0))
        scaled.append((found.test[1] - found.out_of_fold[1]) / found.deviation[1])
    assert np.abs(scaled).max() < 4
    assert abs(np.mean(scaled)) < 1


@pytest.mark.parametrize("method", METHODS)
def test_the_held_out_samples_themselves_have_their_own_shares(method: Method) -> None:
    data = simulate(0, (0.3, 0.7), (0.3, 0.7), 3.0)
    same = SharesInput(
        targets=data.targets,
        probabilities=data.probabilities,
        decided=data.decided,
        test=data.probabilities[None],
        test_decided=data.decided[None],
    )
    found = estimate_shares(method, same)
    assert np.allclose(found.test, found.out_of_fold, atol=2e-3)


def test_the_calibration_undoes_overconfidence() -> None:
    data = simulate(1, (0.3, 0.7), (0.3, 0.7), 2.0)
    found = calibrate(data.targets, data.probabilities)
    assert found.sharpness == pytest.approx(0.5, abs=0.06)
    mean = found.apply(data.probabilities).mean(0)
    assert np.allclose(mean, np.bincount(data.targets) / len(data.targets), atol=1e-4)


def test_em_is_a_maximum_and_its_deviation_the_spread() -> None:
    rng = np.random.default_rng(3)
    source = np.array([0.3, 0.7])
    draws = [draw(rng, (0.6, 0.4), source, 300)[1] for _ in range(60)]
    found = np.array([em_shares(rows, source) for rows in draws])
    expected = np.mean([em_deviation(rows, source, em_shares(rows, source)) for rows in draws])
    assert found[:, 0].std(ddof=1) == pytest.approx(expected, rel=0.35)
    rows, best = draws[0], found[0]
    for step in (-1e-3, 1e-3):
        other = best + np.array([step, -step])
        assert np.log(rows / source @ other).sum() < np.log(rows / source @ best).sum()


def estimate(test: Sequence[float], sharpness: float = 1.0) -> ShareEstimate:
    return ShareEstimate(
        method="em",
        out_of_fold=(0.3, 0.7),
        test=tuple(test),
        deviation=(0.0, 0.0),
        sharpness=sharpness,
    )


def test_reweighting_is_bayes_rule_and_better_at_the_new_shares() -> None:
    rng = np.random.default_rng(4)
    truth, rows = draw(rng, (0.7, 0.3), (0.3, 0.7), 4000)
    after = reweigh(rows, estimate((0.7, 0.3)), 4000)
    odds = rows[:, 1] / rows[:, 0] * (0.3 / 0.7) / (0.7 / 0.3)
    assert np.allclose(after[:, 1], odds / (1 + odds))
    assert (after.argmax(1) == truth).mean() > (rows.argmax(1) == truth).mean() + 0.02
    assert np.allclose(reweigh(rows, estimate((0.3, 0.7)), 4000), rows)


def test_of_overconfident_probabilities_the_decision_is_that_of_calibrated_ones() -> None:
    rng = np.random.default_rng(5)
    rows = draw(rng, (0.7, 0.3), (0.3, 0.7), 500)[1]
    right = reweigh(rows, estimate((0.7, 0.3)), 500)
    sharp = reweigh(overconfident(rows, 2.0), estimate((0.7, 0.3), sharpness=0.5), 500)
    assert np.array_equal(sharp[:, 1] >= 0.5, right[:, 1] >= 0.5)


def test_a_class_without_test_samples_keeps_half_a_sample() -> None:
    after = reweigh(np.array([[1e-9, 1.0], [0.5, 0.5]]), estimate((0.0, 1.0)), 100)
    assert np.isfinite(after).all()
    assert after[1, 0] == pytest.approx(0.005 / 0.3 / (0.005 / 0.3 + 1 / 0.7), rel=0.01)


def test_the_order_stays_where_rounding_would_make_ties() -> None:
    near_one = np.float32(1) - np.arange(1, 40, dtype=np.float32) * np.float32(2**-24)
    before = np.concatenate([near_one, near_one[:3], np.float32([0, 1e-30, 0.3, 0.5])])
    odds = before.astype(np.float64) / (1 - before.astype(np.float64) + 1e-300) * 9
    rounded = (odds / (1 + odds)).astype(np.float32)
    assert len(np.unique(rounded)) < len(np.unique(before))
    after = keep_order(before, rounded)
    assert np.array_equal(
        np.unique(before, return_inverse=True)[1], np.unique(after, return_inverse=True)[1]
    )
    assert np.abs(after - rounded).max() < 1e-5
    assert 0 <= after.min() <= after.max() <= 1


def test_what_cannot_be_estimated_is_said() -> None:
    data = simulate(0, (0.3, 0.7), (0.3, 0.7))
    fields = {name: getattr(data, name) for name in ("targets", "probabilities", "decided")}
    few = SharesInput(**fields, test=data.test[:, :31], test_decided=data.test_decided[:, :31])
    with pytest.raises(NoEstimateError, match="31 test samples are too few"):
        estimate_shares("em", few)
    tests = {"test": data.test, "test_decided": data.test_decided}
    fields["targets"] = np.zeros_like(data.targets)
    with pytest.raises(NoEstimateError, match="class 1 has no sample out of fold"):
        estimate_shares("em", SharesInput(**fields, **tests))
    fields["targets"], fields["decided"] = data.targets, np.ones_like(data.decided)
    with pytest.raises(NoEstimateError, match="do not tell all classes apart"):
        estimate_shares("bbse", SharesInput(**fields, **tests))
