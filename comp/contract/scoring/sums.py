"""Scores that are functions of sums over the samples, so that a bootstrap only adds numbers.

A resample of N samples then costs N additions instead of a new score, and images are read once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from comp.contract.metric import Pairs
from comp.contract.scoring.arrays import clip_probabilities
from comp.contract.scoring.classes import accuracy, f_beta_score, log_loss
from comp.contract.scoring.labels import mean_average_precision, mean_log_loss
from comp.contract.scoring.masks import PLANE_SCORES, dice, dice_micro, iou, mean_precision_of_iou
from comp.contract.scoring.numbers import (
    mae,
    mape,
    mean_columnwise_rmse,
    mean_columnwise_rmsle,
    rmse,
    rmsle,
    rmspe,
)

Score = Callable[[Pairs], float]


@dataclass(frozen=True)
class SampleSums:
    """A score of sums over samples."""

    of_sample: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """(target, prediction or decision) of one sample -> its summands, float64 (S,)."""
    score: Callable[[np.ndarray], float]
    """Sums (S,) of weighted samples -> the score; NaN if it is not defined."""


def sums_of(score: Score) -> SampleSums | None:
    """The sums of a score; None if it is not known to be a function of sums.

    A score of some planes of masks alone has the attributes `of_planes` and `indices`.
    """
    planes = getattr(score, "of_planes", None)
    if planes is None:
        return _SUMS.get(score) or _sums_of_samples(score)
    sums = _SUMS.get(planes)
    if sums is None:
        return None
    select = partial(_of_planes, sums.of_sample, list(score.indices))  # type: ignore[attr-defined]
    return SampleSums(select, sums.score)


def _sums_of_samples(score: Score) -> SampleSums | None:
    """The sums of a score that is a mean over the samples of what each scores alone."""
    if not isinstance(score, partial):
        return None
    if score.func is mean_average_precision:
        return SampleSums(partial(_precision, score), _mean)
    if score.func is f_beta_score and score.args[1:] == ("samples",):
        return SampleSums(partial(_f_beta, score.args[0] ** 2), _mean)
    return None


def _precision(score: Score, target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    return np.array([score([(target, prediction)]), 1.0])


def _f_beta(square: float, target: np.ndarray, decision: np.ndarray) -> np.ndarray:
    """F-beta of the labels of one sample, 1 without a true and a decided one."""
    truth, decided = _float64(np.ravel(target), np.ravel(decision))
    whole = square * truth.sum() + decided.sum()
    return np.array([(1 + square) * (truth @ decided) / whole if whole else 1.0, 1.0])


def _of_planes(
    of_sample: Callable[[np.ndarray, np.ndarray], np.ndarray],
    indices: list[int],
    target: np.ndarray,
    prediction: np.ndarray,
) -> np.ndarray:
    return of_sample(target[..., indices], prediction[..., indices])


def _mean(sums: np.ndarray) -> float:
    return float(sums[0] / sums[1]) if sums[1] else float("nan")


def _root(sums: np.ndarray) -> float:
    return float(_mean(sums) ** 0.5)


def _mean_root(sums: np.ndarray) -> float:
    return float(np.sqrt(sums[:-1] / sums[-1]).mean()) if sums[-1] else float("nan")


def _dice_of_sums(sums: np.ndarray) -> float:
    return float(2 * sums[0] / sums[1]) if sums[1] else 1.0


def _float64(*arrays: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(array, dtype=np.float64) for array in arrays]


def _squares(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    expected, predicted = _float64(target, prediction)
    return np.array([np.square(predicted - expected).sum(), predicted.size])


def _distances(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    expected, predicted = _float64(target, prediction)
    return np.array([np.abs(predicted - expected).sum(), predicted.size])


def _log_squares(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return _squares(*(np.log1p(array) for array in _float64(target, prediction)))


def _relative_distances(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    expected, predicted = _float64(target, prediction)
    return np.array([np.abs((predicted - expected) / expected).sum(), predicted.size])


def _relative_squares(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    expected, predicted = _float64(target, prediction)
    known = expected != 0
    return _squares(np.ones(known.sum()), predicted[known] / expected[known])


def _column_log_squares(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return _column_squares(*(np.log1p(array) for array in _float64(target, prediction)))


def _column_squares(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    expected, predicted = _float64(target, prediction)
    return np.append(np.square(predicted - expected).ravel(), 1.0)


def _right(target: np.ndarray, decision: np.ndarray) -> np.ndarray:
    return np.array([float(np.ravel(target)[0] == np.ravel(decision)[0]), 1.0])


def _surprise(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """The negative logarithm of the probability of the true class, clipped as scikit-learn does."""
    (chances,) = _float64(np.ravel(prediction))
    if len(chances) == 1:
        chances = np.array([1 - chances[0], chances[0]])
    shares = clip_probabilities(chances / chances.sum())
    epsilon = np.finfo(np.float64).eps
    return np.array([-np.log(np.clip(shares[int(np.ravel(target)[0])], epsilon, 1 - epsilon)), 1.0])


def _surprises(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """The same of several labels."""
    truth, chances = _float64(np.ravel(target), np.ravel(prediction))
    epsilon = np.finfo(np.float64).eps
    clipped = np.clip(clip_probabilities(chances), epsilon, 1 - epsilon)
    return np.array([-np.log(np.where(truth == 1, clipped, 1 - clipped)).sum(), len(truth)])


def _overlap(target: np.ndarray, decision: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels of each plane in both masks, the target and the decision, int64 (K,)."""
    expected, decided = np.asarray(target) > 0, np.asarray(decision) > 0
    area = (0, 1)
    return (expected & decided).sum(area), expected.sum(area), decided.sum(area)


def _plane_scores(score: Score, target: np.ndarray, decision: np.ndarray) -> np.ndarray:
    from comp.contract.scoring.masks import Overlap

    values = PLANE_SCORES[score](Overlap(*_overlap(target, decision)))
    return np.array([values.sum(), values.size])


def _dice_pixels(target: np.ndarray, decision: np.ndarray) -> np.ndarray:
    common, expected, decided = _overlap(target, decision)
    return np.array([common.sum(), expected.sum() + decided.sum()], dtype=np.float64)


_SUMS: Mapping[Score, SampleSums] = {
    rmse: SampleSums(_squares, _root),
    mae: SampleSums(_distances, _mean),
    rmsle: SampleSums(_log_squares, _root),
    mape: SampleSums(_relative_distances, _mean),
    rmspe: SampleSums(_relative_squares, _root),
    mean_columnwise_rmse: SampleSums(_column_squares, _mean_root),
    mean_columnwise_rmsle: SampleSums(_column_log_squares, _mean_root),
    accuracy: SampleSums(_right, _mean),
    log_loss: SampleSums(_surprise, _mean),
    mean_log_loss: SampleSums(_surprises, _mean),
    dice_micro: SampleSums(_dice_pixels, _dice_of_sums),
    **{
        score: SampleSums(partial(_plane_scores, score), _mean)
        for score in (dice, iou, mean_precision_of_iou)
    },
}
