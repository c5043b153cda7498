"""Scores of weighted samples, against the metrics on the repeated samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from comp.contract.metric import Metric, Pair, array_metric
from comp.contract.metrics import METRICS
from comp.inference.weighted_score import weighted_score
from comp.tasks.mask_scores import ScoreOfPlanes

RNG = np.random.default_rng(3)
N = 24


def pairs(make: Callable[[], tuple[np.ndarray, np.ndarray]]) -> list[Pair]:
    return [Pair(*make(), f"s{row}", f"g{row // 2}") for row in range(N)]


def binary() -> tuple[np.ndarray, np.ndarray]:
    return np.array([RNG.integers(2)]), np.array([RNG.integers(1, 10) / 10])  # with ties


def classes() -> tuple[np.ndarray, np.ndarray]:
    chances = RNG.dirichlet([1, 1, 1])
    return np.array([RNG.integers(3)]), chances.astype(np.float32)


def decided() -> tuple[np.ndarray, np.ndarray]:
    return np.array([RNG.integers(3)]), np.array([RNG.integers(3)])


def decided_of_two() -> tuple[np.ndarray, np.ndarray]:
    return np.array([RNG.integers(2)]), np.array([RNG.integers(2)])


def decided_labels() -> tuple[np.ndarray, np.ndarray]:
    return RNG.integers(2, size=3).astype(np.float32), RNG.integers(2, size=3).astype(np.float32)


def labels() -> tuple[np.ndarray, np.ndarray]:
    return RNG.integers(2, size=3).astype(np.float32), RNG.random(3).astype(np.float32)


def numbers() -> tuple[np.ndarray, np.ndarray]:
    return RNG.random(3), RNG.random(3)


def masks() -> tuple[np.ndarray, np.ndarray]:
    shape = int(RNG.integers(2, 5)), 4, 2
    full = RNG.random() > 0.2  # some are empty
    return tuple(np.float32(full * (RNG.random(shape) > 0.4)) for _ in range(2))  # type: ignore[return-value]


CHEAP = {
    "auc": binary,
    "auc of classes": classes,
    "mean-auc": labels,
    "accuracy": decided,
    "log-loss": classes,
    "mean-log-loss": labels,
    "rmse": numbers,
    "mae": numbers,
    "rmsle": numbers,
    "mape": numbers,
    "rmspe": numbers,
    "mcrmse": numbers,
    "mcrmsle": numbers,
    "dice": masks,
    "dice-micro": masks,
    "iou": masks,
    "map-of-iou": masks,
    "balanced-accuracy": decided,
    "qwk": decided,
    "mcc": decided,
    "f1": decided_of_two,
    "f2": decided_of_two,
    "f1-macro": decided,
    "f1-micro": decided,
    "f1-samples": decided_labels,
    "map@3": classes,
}
OTHERS = {
    "f1-macro of labels": decided_labels,
    "spearman": numbers,
    "r2": numbers,
}


@pytest.mark.parametrize("name", [*CHEAP, *OTHERS])
def test_a_weight_counts_a_sample_as_often(name: str) -> None:
    listed = pairs((CHEAP | OTHERS)[name])
    metric = METRICS[name.split()[0]]
    score, cheap = weighted_score(metric, listed)
    assert cheap == (name in CHEAP)
    for _ in range(5):
        weights = RNG.integers(0, 4, size=N).astype(np.float64)
        repeated = [
            pair for pair, times in zip(listed, weights, strict=True) for _ in range(int(times))
        ]
        assert score(weights) == pytest.approx(metric.score(repeated), rel=1e-9)


def test_a_score_of_some_planes() -> None:
    listed = pairs(masks)
    metric = METRICS["dice"]
    second = Metric(name="second", score=ScoreOfPlanes(metric.score, (1,)), direction="max")
    score, cheap = weighted_score(second, listed)
    alone = [Pair(*(array[..., 1:] for array in pair)) for pair in listed]
    assert cheap
    assert score(np.ones(N)) == pytest.approx(metric.score(alone))
    assert score(np.ones(N)) != pytest.approx(metric.score(listed))


def _count(
    _targets: np.ndarray, _predictions: np.ndarray, ids: list[str], groups: list[str]
) -> float:
    return len(set(groups))


def test_a_group_that_is_drawn_again_is_another_group() -> None:
    metric = array_metric("groups", _count, "max", with_ids=True)
    score, cheap = weighted_score(metric, pairs(numbers))
    weights = np.zeros(N)
    weights[:4] = 1, 1, 3, 3
    assert not cheap
    assert score(weights) == 4


def test_a_score_that_is_not_what_it_seems_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A cheap score that disagrees with the metric is not used."""
    listed = pairs(numbers)
    monkeypatch.setattr("comp.inference.weighted_score.sums_of", _wrong_sums)
    score, cheap = weighted_score(METRICS["rmse"], listed)
    assert not cheap
    assert score(np.ones(N)) == pytest.approx(METRICS["rmse"].score(listed))


def _wrong_sums(_score: object) -> object:
    from comp.contract.metrics import MAE
    from comp.contract.scoring.sums import sums_of

    return sums_of(MAE.score)


def in_place(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """The mean root of squared errors in 0..255, and it changes what it gets."""
    errors = []
    for target, prediction in pairs:
        target *= 255
        prediction *= 255
        errors.append(float(((target - prediction) ** 2).mean()) ** 0.5)
    return float(np.mean(errors))


def test_a_metric_that_works_in_place_gets_new_arrays_for_each_draw() -> None:
    known = pairs(numbers)
    score, cheap = weighted_score(Metric(name="own", score=in_place, direction="min"), known)
    assert not cheap
    weights = RNG.integers(0, 4, N)
    rows = np.repeat(np.arange(N), weights)
    expected = in_place([tuple(map(np.copy, known[row])) for row in rows])  # type: ignore[misc]
    for _ in range(2):
        assert score(weights) == pytest.approx(expected, rel=1e-12)
