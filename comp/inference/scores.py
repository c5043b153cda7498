"""Scores of a classification with their uncertainty, and the decision threshold of two classes.

Everywhere `targets` are class indices (N,), `probabilities` float (N,) or (N, 1) of class 1 for two
classes and (N, K) for K of them, and `groups` N names: samples of one group, such as the pictures
of one patient, are alike, so the bootstrap draws whole groups (Davison and Hinkley, Bootstrap
Methods and their Application, 1997, section 3.8). Two classes are decided by
`probability >= threshold`, more by the largest probability.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from comp.contract.competition import Sample
from comp.errors import DataError, RunError
from comp.inference.measures import (
    calibration_error,
    confusion,
    f1,
    finite_mean,
    group_draws,
    recall,
    weighted_auc,
)

_CLIP = 1e-6
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A score in 0..1 and its interval of 95 %: percentiles 2.5 and 97.5 of the bootstrap.

    It is widened to hold the value, since resampling tends to make a calibration error larger. It
    is 0 to 1 where no draw had all the classes.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What the decisions on `n` samples in `n_groups` groups are worth.

    Of two classes `estimates` holds auc, accuracy, sensitivity (share of class 1 that is found),
    specificity (the same of class 0), f1 and calibration_error (of class 1); of more accuracy, auc
    and f1 (both means over the classes), calibration_error and `sensitivity of <class>`. What does
    not exist, such as an AUC of one class, is left out. `dataclasses.asdict` gives plain JSON.
    """

    classes: tuple[str, ...]
    threshold: float | None
    """Probability of class 1 from which on it is decided for; None of more than two classes."""
    n: int
    n_groups: int
    positives: int | None
    """Samples of class 1; None of more than two classes."""
    estimates: Mapping[str, Estimate]
    confusion: tuple[tuple[int, ...], ...]
    """Samples by true class (rows) and decision (columns)."""


def labelled(
    predictions: Iterable[tuple[Sample, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return targets int64 (N,), probabilities float64 (N, K) and groups of samples with labels.

    A sample without a group is a group of its own, under its id.

    Raises:
        DataError: naming a sample that has no label.
        RunError: naming a sample whose prediction is not finite.
    """
    targets, chances, groups = [], [], []
    for sample, chance in predictions:
        if not isinstance(sample.target, int | float):
            raise DataError(f"{sample.id} has the label {sample.target}: scores need a class index")
        if not np.isfinite(chance).all():
            raise RunError(
                f"the prediction of {sample.id} is not finite: training diverged, lower optim.lr"
            )
        targets.append(int(sample.target))
        chances.append(np.asarray(chance, dtype=np.float64).ravel())
        groups.append(sample.group or sample.id)
    return np.array(targets, dtype=np.int64), np.array(chances), groups


def choose_threshold(
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    seed: int = 0,
    draws: int = 1000,
) -> float:
    """Return 0.5, or the threshold nearest to it that is not worse than the best by chance alone.

    Balanced accuracy is the mean of sensitivity and specificity: it does not depend on the shares
    of the classes, which differ on test data. Found are its best value over all thresholds, and
    that value's standard error by a bootstrap of groups. The plateau is the connected range of
    thresholds around the best within TWO standard errors of it, in logits of probabilities clipped
    to 1e-6..1-1e-6. The threshold is the point of the plateau nearest to 0.5, but no nearer to the
    plateau's ends than a tenth of its width.

    Why: held-out folds are easier than test data, and the curve is flat there, so that many
    thresholds are as good as the best. Which one of them Youden's index (the best alone) picks is
    chance, and it can lie far out; 0.5 is left only as far as the folds show that it must be. It is
    a rule of the kind of Breiman et al., Classification and Regression Trees, 1984, section 3.4.3,
    where of what the data cannot tell apart the plainest is taken.

    Returns:
        A probability, rounded to 5 decimals unless that would leave the plateau; 0.5 where there is
        one class or one probability only.
    """
    truth = np.asarray(targets).ravel() == 1
    if truth.all() or not truth.any():
        return 0.5
    clipped = np.clip(np.asarray(probabilities, dtype=np.float64).ravel(), _CLIP, 1 - _CLIP)
    steps, place = np.unique(logit(clipped), return_inverse=True)
    if len(steps) == 1:
        return 0.5
    edges = np.concatenate([steps[:1], steps, steps[-1:]])
    # A threshold in (edges[k], edges[k + 1]] decides for class 1 from place k on.
    missed, spared = (
        np.concatenate([[0], np.cumsum(np.bincount(place, side))]) / side.sum()
        for side in (truth, ~truth)
    )
    balanced = (1 - missed + spared) / 2
    ties = np.flatnonzero(balanced >= balanced.max() - _ROUNDING)
    best = int(ties[np.diff(edges)[ties].argmax()])
    error = 2 * _standard_error(truth, place >= best, groups, draws, seed)
    outside = np.flatnonzero(balanced < balanced[best] - error - _ROUNDING)
    low = edges[outside[outside < best].max(initial=-1) + 1]
    high = edges[outside[outside > best].min(initial=len(balanced))]
    margin = (high - low) / 10
    nearest = float(expit(np.clip(0.0, low + margin, high - margin)))
    rounded = round(nearest, 5)
    return rounded if expit(low) < rounded <= expit(high) else nearest


def binary_scores(
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    threshold: float,
    draws: int = 1000,
    seed: int = 0,
    classes: Sequence[str] = ("0", "1"),
) -> Scores:
    """Score two classes at a threshold; draws of groups that lack a class are left out."""
    truth = np.asarray(targets, dtype=np.int64).ravel()
    chance = np.asarray(probabilities, dtype=np.float64).ravel()
    decision = (chance >= threshold).astype(np.int64)
    ranks = np.unique(chance, return_inverse=True)[1]

    def measure(weights: np.ndarray) -> dict[str, float]:
        matrix = confusion(truth, decision, weights, 2)
        specificity, sensitivity = recall(matrix)
        return {
            "auc": weighted_auc(truth == 1, ranks, weights),
            "accuracy": np.trace(matrix) / matrix.sum(),
            "sensitivity": sensitivity,
            "specificity": specificity,
            "f1": f1(matrix)[1],
            "calibration_error": calibration_error(truth, chance, weights),
        }

    return Scores(
        classes=tuple(classes),
        threshold=threshold,
        n=len(truth),
        n_groups=len(set(groups)),
        positives=int((truth == 1).sum()),
        estimates=_estimates(measure, truth, groups, draws, seed),
        confusion=_counts(truth, decision, 2),
    )


def multiclass_scores(
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    classes: Sequence[str],
    draws: int = 1000,
    seed: int = 0,
) -> Scores:
    """Score more than two classes; the calibration error is that of the class decided for."""
    truth = np.asarray(targets, dtype=np.int64).ravel()
    chances = np.asarray(probabilities, dtype=np.float64)
    decision, count = chances.argmax(1), len(classes)
    ranks = [np.unique(column, return_inverse=True)[1] for column in chances.T]

    def measure(weights: np.ndarray) -> dict[str, float]:
        matrix = confusion(truth, decision, weights, count)
        areas = [weighted_auc(truth == k, rank, weights) for k, rank in enumerate(ranks)]
        found = zip(classes, recall(matrix), strict=True)
        return {
            "accuracy": np.trace(matrix) / matrix.sum(),
            "auc": finite_mean(np.array(areas)),
            "f1": finite_mean(f1(matrix)),
            "calibration_error": calibration_error(truth == decision, chances.max(1), weights),
        } | {f"sensitivity of {name}": share for name, share in found}

    return Scores(
        classes=tuple(classes),
        threshold=None,
        n=len(truth),
        n_groups=len(set(groups)),
        positives=None,
        estimates=_estimates(measure, truth, groups, draws, seed),
        confusion=_counts(truth, decision, count),
    )


def scores_of(
    classes: Sequence[str],
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    threshold: float | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[Scores, ...]:
    """Score a classification: of two classes at 0.5 and, where there is one, at the tuned
    `threshold`; of more once."""
    if len(classes) > 2:
        return (multiclass_scores(targets, probabilities, groups, classes, draws, seed),)
    at = [0.5] if threshold is None else [0.5, threshold]
    common = targets, probabilities, groups
    return tuple(binary_scores(*common, t, draws, seed, classes) for t in at)


def _estimates(
    measure: Callable[[np.ndarray], Mapping[str, float]],
    truth: np.ndarray,
    groups: Sequence[str],
    draws: int,
    seed: int,
) -> dict[str, Estimate]:
    """Bootstrap all that `measure` finds, over the draws with every class that `truth` has."""
    present = np.unique(truth)
    drawn = [
        measure(weights)
        for weights in group_draws(groups, draws, seed)
        if np.bincount(truth, weights)[present].all()
    ]
    found = {}
    for name, value in measure(np.ones(len(truth))).items():
        if np.isfinite(value):
            values = np.array([one[name] for one in drawn])
            values = values[np.isfinite(values)]
            low, high = np.percentile(values, [2.5, 97.5]) if len(values) else (0.0, 1.0)
            found[name] = Estimate(float(value), float(min(low, value)), float(max(high, value)))
    return found


def _standard_error(
    truth: np.ndarray, decision: np.ndarray, groups: Sequence[str], draws: int, seed: int
) -> float:
    """Standard error of the balanced accuracy of bool decisions (N,)."""
    sides = truth.astype(np.int64), decision.astype(np.int64)
    drawn = [
        float(recall(confusion(*sides, weights, 2)).mean())
        for weights in group_draws(groups, draws, seed)
    ]
    values = np.array(drawn)[np.isfinite(drawn)]
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _counts(truth: np.ndarray, decision: np.ndarray, count: int) -> tuple[tuple[int, ...], ...]:
    matrix = confusion(truth, decision, np.ones(len(truth)), count)
    return tuple(tuple(int(cell) for cell in row) for row in matrix)
