"""Scores of a classification with confidence intervals, and the decision threshold of two classes.

In all functions `targets` are class indices (N,). `probabilities` are float: (N,) or (N, 1) of
class 1 for two classes, (N, K) for K classes. `groups` are N names. Samples of one group, such as
the images of one patient, are similar, so the bootstrap draws whole groups (Davison and Hinkley,
Bootstrap Methods and their Application, 1997, section 3.8). With two classes the decision is
`probability >= threshold`, with more it is the class with the highest probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit, logit

from comp.inference.areas import areas_of
from comp.inference.draws import MOST, draws_for
from comp.inference.estimates import Bootstrap, Estimate, groups_by_class
from comp.inference.measures import (
    calibration_error,
    class_counts,
    confusion,
    f1,
    finite_mean,
    group_draws,
    recall,
)

SHOWN = 20
"""Largest number of classes that a terminal shows; of more, the worst ones."""
_PAIRS = 10
_CLIP = 1e-6
_ROUNDING = 1e-12


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
    draws: int = MOST
    """Draws of the bootstrap: fewer of large data."""
    confused: tuple[tuple[str, str, int, float], ...] = ()
    """With more classes than are shown, the most confused pairs: the true class, the decision, the
    samples, and their share of the true class."""


def choose_threshold(
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    seed: int = 0,
    draws: int | None = None,
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

    Args:
        draws: of the bootstrap; None: as many as the size of the data allows.

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
    draws = draws_for(len(truth), 1) if draws is None else draws
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
    draws: int | None = None,
    seed: int = 0,
    classes: Sequence[str] = ("0", "1"),
) -> Scores:
    """Score two classes at a threshold; draws of groups without one of the classes are skipped.

    Args:
        draws: of the bootstrap; None: as many as the size of the data allows.
    """
    truth = np.asarray(targets, dtype=np.int64).ravel()
    chance = np.asarray(probabilities, dtype=np.float64).ravel()
    decision = (chance >= threshold).astype(np.int64)

    def measure(weights: np.ndarray, areas: np.ndarray) -> dict[str, float]:
        matrix = confusion(truth, decision, weights, 2)
        specificity, sensitivity = recall(matrix)
        return {
            "auc": areas[0],
            "accuracy": np.trace(matrix) / matrix.sum(),
            "sensitivity": sensitivity,
            "specificity": specificity,
            "f1": f1(matrix)[1],
            "calibration_error": calibration_error(truth, chance, weights),
        }

    negative, positive = groups_by_class(truth, groups, 2).tolist()
    of_classes = {"sensitivity": positive, "specificity": negative, "f1": positive}
    bootstrap = Bootstrap(
        groups=groups,
        draws=draws_for(len(truth), 1) if draws is None else draws,
        seed=seed,
        needed=truth,
        columns=partial(areas_of, truth[:, None] == 1, chance[:, None]),
        counts={**of_classes, "auc": min(positive, negative)},
        shares=frozenset({"accuracy", "sensitivity", "specificity"}),
    )
    return Scores(
        classes=tuple(classes),
        threshold=threshold,
        n=len(truth),
        n_groups=len(set(groups)),
        positives=int((truth == 1).sum()),
        estimates=bootstrap.estimates(measure),
        confusion=_counts(truth, decision, 2),
        draws=bootstrap.draws,
    )


def multiclass_scores(
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    classes: Sequence[str],
    draws: int | None = None,
    seed: int = 0,
) -> Scores:
    """Score more than two classes; the calibration error is that of the chosen class.

    A draw that lacks a class says nothing about it, and counts for the other classes.

    Args:
        draws: of the bootstrap; None: as many as the size of the data allows.
    """
    truth = np.asarray(targets, dtype=np.int64).ravel()
    chances = np.asarray(probabilities)
    decision, count = chances.argmax(1), chances.shape[1]
    right, confidence = truth == decision, chances.max(1).astype(np.float64)
    names = [f"sensitivity of {name}" for name in classes]

    def measure(weights: np.ndarray, areas: np.ndarray) -> dict[str, float]:
        counts = class_counts(truth, decision, weights, count)
        return {
            "accuracy": counts.hits.sum() / weights.sum(),
            "auc": finite_mean(areas),
            "f1": finite_mean(counts.f1()),
            "calibration_error": calibration_error(right, confidence, weights),
        } | dict(zip(names, counts.recall().tolist(), strict=True))

    in_groups = groups_by_class(truth, groups, count).tolist()
    matrix = confusion(truth, decision, np.ones(len(truth)), count)
    bootstrap = Bootstrap(
        groups=groups,
        draws=draws_for(len(truth), count) if draws is None else draws,
        seed=seed,
        columns=partial(areas_of, truth[:, None] == np.arange(count), chances),
        counts=dict(zip(names, in_groups, strict=True)),
        shares=frozenset({"accuracy", *names}),
    )
    return Scores(
        classes=tuple(classes),
        threshold=None,
        n=len(truth),
        n_groups=len(set(groups)),
        positives=None,
        estimates=bootstrap.estimates(measure),
        confusion=_cells(matrix),
        draws=bootstrap.draws,
        confused=_most_confused(matrix, classes) if count > SHOWN else (),
    )


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
    return _cells(confusion(truth, decision, np.ones(len(truth)), count))


def _cells(matrix: np.ndarray) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, matrix.astype(np.int64).tolist()))


def _most_confused(
    matrix: np.ndarray, classes: Sequence[str]
) -> tuple[tuple[str, str, int, float], ...]:
    """The pairs of classes with the most mistakes, the largest first."""
    wrong, totals = matrix - np.diag(np.diag(matrix)), matrix.sum(1)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS].tolist()
    pairs = [divmod(cell, len(matrix)) for cell in order]
    return tuple(
        (classes[t], classes[d], int(wrong[t, d]), float(wrong[t, d] / totals[t]))
        for t, d in pairs
        if wrong[t, d]
    )
