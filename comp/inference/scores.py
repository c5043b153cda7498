"""Scores of a classification with confidence intervals, and the decision threshold of two classes.

In all functions `targets` are class indices (N,). `probabilities` are float: (N,) or (N, 1) of
class 1 for two classes, (N, K) for K classes. `groups` are N names. Samples of one group, such as
the images of one patient, are similar, so the bootstrap draws whole groups (Davison and Hinkley,
Bootstrap Methods and their Application, 1997, section 3.8). With two classes the decision is
`probability >= threshold`, with more it is the class with the highest probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from comp.contract.metric import Pairs
from comp.errors import RunError
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
    """A score in 0..1 and its 95 % interval: percentiles 2.5 and 97.5 of the bootstrap.

    The interval is widened to include the value, because resampling tends to increase a calibration
    error. It is 0 to 1 if no draw has all classes.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of the decisions on `n` samples in `n_groups` groups.

    With two classes `estimates` contains auc, accuracy, sensitivity (recall of class 1),
    specificity (recall of class 0), f1 and calibration_error (of class 1). With more it contains
    accuracy, auc and f1 (both means over the classes), calibration_error and
    `sensitivity of <class>`. `comp.inference.label_scores` and `comp.inference.value_scores` say
    what it contains for several labels, grades and numbers. A score that is not defined, such as
    the AUC of one class, is missing. `dataclasses.asdict` gives plain JSON.
    """

    classes: tuple[str, ...]
    threshold: float | None
    """The lowest probability that is decided as class 1; None with more than two classes."""
    n: int
    n_groups: int
    positives: int | None
    """Samples of class 1; None with more than two classes."""
    estimates: Mapping[str, Estimate]
    confusion: tuple[tuple[int, ...], ...]
    """Samples by true class (rows) and decision (columns); empty without exclusive classes."""
    heading: str = ""
    """The heading of the scores in a table; "" for the threshold or the most probable class."""


def scoring_arrays(pairs: Pairs) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return (targets int64 (N,), probabilities float64 (N, K), groups) of pairs.

    The group of a sample without one is its id.

    Raises:
        RunError: a prediction is not finite.
    """
    targets, probabilities, groups = [], [], []
    for pair in pairs:
        target, probability = pair
        name = getattr(pair, "id", "")
        if not np.isfinite(probability).all():
            raise RunError(
                f"the prediction of {name} is not finite: training diverged, lower optim.lr"
            )
        targets.append(int(np.asarray(target).item()))
        probabilities.append(np.asarray(probability, dtype=np.float64).ravel())
        groups.append(getattr(pair, "group", None) or name)
    return np.array(targets, dtype=np.int64), np.array(probabilities), groups


def choose_threshold(
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    seed: int = 0,
    draws: int = 1000,
) -> float:
    """Return the threshold nearest to 0.5 that is not significantly worse than the best one.

    The criterion is balanced accuracy, the mean of sensitivity and specificity, which does not
    depend on the shares of the classes; they differ in test data. The bootstrap of groups estimates
    the standard error of its best value. The plateau is the connected range of thresholds around
    the best one within two standard errors, measured in logits of probabilities clipped to
    1e-6..1-1e-6. The result is the point of the plateau nearest to 0.5, at least a tenth of its
    width away from its ends.

    Why: held-out folds are easier than test data, so the curve is flat and many thresholds are as
    good as the best. The best one alone (Youden's index) is chosen by chance among them, and can be
    extreme. So the threshold leaves 0.5 only as far as the folds require. The one-standard-error
    rule of Breiman et al., Classification and Regression Trees, 1984, section 3.4.3, is similar: it
    chooses the simplest model among those that the data cannot distinguish.

    Returns:
        A probability, rounded to 5 decimals unless that leaves the plateau; 0.5 if there is only
        one class or one probability.
    """
    truth = np.asarray(targets).ravel() == 1
    if truth.all() or not truth.any():
        return 0.5
    clipped = np.clip(np.asarray(probabilities, dtype=np.float64).ravel(), _CLIP, 1 - _CLIP)
    levels, level = np.unique(logit(clipped), return_inverse=True)
    if len(levels) == 1:
        return 0.5
    edges = np.concatenate([levels[:1], levels, levels[-1:]])
    # A threshold in (edges[k], edges[k + 1]] decides for class 1 from level k on.
    miss_rate, specificity = (
        np.concatenate([[0], np.cumsum(np.bincount(level, members))]) / members.sum()
        for members in (truth, ~truth)
    )
    balanced = (1 - miss_rate + specificity) / 2
    ties = np.flatnonzero(balanced >= balanced.max() - _ROUNDING)
    best = int(ties[np.diff(edges)[ties].argmax()])
    tolerance = 2 * _standard_error(truth, level >= best, groups, draws, seed)
    outside = np.flatnonzero(balanced < balanced[best] - tolerance - _ROUNDING)
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
    """Score two classes at a threshold; draws of groups without one of the classes are skipped."""
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
        estimates=bootstrap_estimates(measure, truth, groups, draws, seed),
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
    """Score more than two classes; the calibration error is that of the chosen class."""
    truth = np.asarray(targets, dtype=np.int64).ravel()
    chances = np.asarray(probabilities, dtype=np.float64)
    decision, count = chances.argmax(1), chances.shape[1]
    ranks = [np.unique(column, return_inverse=True)[1] for column in chances.T]

    def measure(weights: np.ndarray) -> dict[str, float]:
        matrix = confusion(truth, decision, weights, count)
        areas = [weighted_auc(truth == k, rank, weights) for k, rank in enumerate(ranks)]
        recalls = zip(classes, recall(matrix), strict=True)
        return {
            "accuracy": np.trace(matrix) / matrix.sum(),
            "auc": finite_mean(np.array(areas)),
            "f1": finite_mean(f1(matrix)),
            "calibration_error": calibration_error(truth == decision, chances.max(1), weights),
        } | {f"sensitivity of {name}": share for name, share in recalls}

    return Scores(
        classes=tuple(classes),
        threshold=None,
        n=len(truth),
        n_groups=len(set(groups)),
        positives=None,
        estimates=bootstrap_estimates(measure, truth, groups, draws, seed),
        confusion=_counts(truth, decision, count),
    )


def bootstrap_estimates(
    measure: Callable[[np.ndarray], Mapping[str, float]],
    truth: np.ndarray,
    groups: Sequence[str],
    draws: int,
    seed: int,
) -> dict[str, Estimate]:
    """Bootstrap the scores of `measure`, over the draws that contain every class of `truth`."""
    present = np.unique(truth)
    drawn = [
        measure(weights)
        for weights in group_draws(groups, draws, seed)
        if np.bincount(truth, weights)[present].all()
    ]
    estimates = {}
    for name, value in measure(np.ones(len(truth))).items():
        if np.isfinite(value):
            values = np.array([scores[name] for scores in drawn])
            values = values[np.isfinite(values)]
            low, high = np.percentile(values, [2.5, 97.5]) if len(values) else (0.0, 1.0)
            estimates[name] = Estimate(
                float(value), float(min(low, value)), float(max(high, value))
            )
    return estimates


def _standard_error(
    truth: np.ndarray, decision: np.ndarray, groups: Sequence[str], draws: int, seed: int
) -> float:
    """Standard error of the balanced accuracy of bool decisions (N,)."""
    classes = truth.astype(np.int64), decision.astype(np.int64)
    drawn = [
        float(recall(confusion(*classes, weights, 2)).mean())
        for weights in group_draws(groups, draws, seed)
    ]
    values = np.array(drawn)[np.isfinite(drawn)]
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _counts(truth: np.ndarray, decision: np.ndarray, count: int) -> tuple[tuple[int, ...], ...]:
    matrix = confusion(truth, decision, np.ones(len(truth)), count)
    return tuple(tuple(int(cell) for cell in row) for row in matrix)
