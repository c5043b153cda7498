"""Adversarial validation: can a classifier tell test samples from training samples?

It is the classifier two-sample test of Lopez-Paz and Oquab (Revisiting classifier two-sample tests,
2017), measured by the AUC of held-out samples: 0.5 if both sides are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from comp.data.drift.auc import CONFIDENCE, AucInterval, auc_interval

FOLDS = 5
HALVES = 3
"""Random splits of the training samples in halves that show what chance does."""
COMPONENTS = 64
"""Principal components of embeddings that the classifier gets."""
STRENGTH = 0.1
"""Inverse of the regularization of a logistic regression."""
SHOWN = 5
"""Features that are named, and samples of each end."""
SMALLEST_SHIFT = 0.55
"""AUC at which a single feature differs enough to be named."""

Fit = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]
"""(values (N, F), bool (N,)) -> a function that scores rows: higher is more like True."""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A feature that differs: its own AUC, above 0.5 if it is larger in test, and its medians."""

    name: str
    auc: float
    train: float
    test: float


@dataclass(frozen=True, kw_only=True)
class Separation:
    """How well test is told from train.

    `scores`, float (N,), are those of held-out samples, higher for test. `halves` is the mean AUC
    between random halves of the training groups. `features` differ most, beyond chance.
    """

    auc: AucInterval
    halves: float
    features: Sequence[Feature]
    scores: np.ndarray


def separate(
    values: np.ndarray,
    names: Sequence[str],
    test: np.ndarray,
    groups: np.ndarray,
    fit: Fit,
    *,
    lone: bool = False,
) -> Separation:
    """Tell test from train on held-out groups.

    Args:
        values: float (N, F); NaN is a gap.
        names: F names, "" for a feature that says nothing alone; or none.
        test: bool (N,), whether a sample is of the test side.
        groups: int (N,); samples of one group are held out together, also those of both sides.
        fit: makes the classifier.
        lone: the groups of the training side are known, those of the test side are not: half of
            the training samples loses its groups for `halves`, too, so that it shows how much a
            classifier gains from samples of one unknown group on both sides of a fold.
    """
    scores = _held_out(values, test, groups, fit, 0)
    return Separation(
        auc=auc_interval(scores, test, groups, shared=1 / (FOLDS - 1)),
        halves=_halves(values[~test], groups[~test], fit, lone),
        features=_features(values, names, test, groups),
        scores=scores,
    )


def _held_out(
    values: np.ndarray, test: np.ndarray, groups: np.ndarray, fit: Fit, seed: int
) -> np.ndarray:
    """The scores of all samples, each from a classifier that never saw its group."""
    fold_of = _folds(test, groups, seed)
    scores = np.zeros(len(test))
    for fold in range(FOLDS):
        held_out = fold_of == fold
        if held_out.any():
            scores[held_out] = fit(values[~held_out], test[~held_out])(values[held_out])
    return scores


def _folds(test: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """The fold of each sample, int (N,): groups of train, of test, and of both are each spread
    evenly over the folds."""
    names, index = np.unique(groups, return_inverse=True)
    in_test = np.bincount(index, test, minlength=len(names)) > 0
    in_train = np.bincount(index, ~test, minlength=len(names)) > 0
    rng = np.random.default_rng(seed)
    fold_of = np.zeros(len(names), dtype=np.int64)
    start = 0
    for part in (in_train & ~in_test, in_test & ~in_train, in_train & in_test):
        members = rng.permutation(np.flatnonzero(part))
        fold_of[members] = (start + np.arange(len(members))) % FOLDS
        start += len(members)
    return np.asarray(fold_of[index])


def _halves(values: np.ndarray, groups: np.ndarray, fit: Fit, lone: bool) -> float:
    """The mean AUC between random halves of the groups."""
    names, index = np.unique(groups, return_inverse=True)
    found = []
    for seed in range(1, HALVES + 1):
        order = np.random.default_rng(seed).permutation(len(names))
        second = order[index] >= len(names) // 2
        clusters = index.copy()
        if lone:
            clusters[second] = len(names) + np.arange(int(second.sum()))
        scores = _held_out(values, second, clusters, fit, seed)
        found.append(auc_interval(scores, second, clusters).value)
    return float(np.mean(found))


def _features(
    values: np.ndarray, names: Sequence[str], test: np.ndarray, groups: np.ndarray
) -> list[Feature]:
    """The features whose own AUC differs from 0.5 beyond chance, the clearest first. The confidence
    of their intervals allows for their number (Bonferroni)."""
    found: list[Feature] = []
    for column, name in zip(values.T, names, strict=False):
        present = ~np.isnan(column) & bool(name)
        known, sides, of = column[present], test[present], groups[present]
        if min(len(np.unique(of[sides])), len(np.unique(of[~sides]))) < 2:
            continue
        interval = auc_interval(known, sides, of, 1 - (1 - CONFIDENCE) / len(names))
        clear = interval.low > 0.5 or interval.high < 0.5
        if clear and abs(interval.value - 0.5) >= SMALLEST_SHIFT - 0.5:
            medians = [float(np.median(known[side])) for side in (~sides, sides)]
            found.append(Feature(name=name, auc=interval.value, train=medians[0], test=medians[1]))
    return sorted(found, key=lambda feature: -abs(feature.auc - 0.5))[:SHOWN]


def fit_linear(values: np.ndarray, test: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Logistic regression on ranks and their squares, so that neither the scale nor outliers count,
    and a narrower or wider distribution is seen.

    On radiographs of another time it and boosted trees saw the same (AUC 0.68 and 0.67), and trees
    took several times as long.
    """
    from sklearn.linear_model import LogisticRegression

    order = [np.sort(column[~np.isnan(column)]) for column in values.T]

    def ranks(rows: np.ndarray) -> np.ndarray:
        columns = [_ranks(column, known) for column, known in zip(rows.T, order, strict=True)]
        first = np.stack(columns, axis=1)
        return np.concatenate([first, first**2 - 1 / 3], axis=1)

    model = LogisticRegression(C=STRENGTH, class_weight="balanced", solver="newton-cholesky")
    model.fit(ranks(values), test)
    return lambda rows: np.asarray(model.decision_function(ranks(rows)))


def _ranks(column: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The ranks of numbers among sorted ones, scaled to -1..1; 0 for a gap."""
    if not len(known):
        return np.zeros(len(column))
    below = np.searchsorted(known, column, "left") + np.searchsorted(known, column, "right")
    return np.where(np.isnan(column), 0.0, below / len(known) - 1)


def fit_components(values: np.ndarray, test: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Logistic regression on principal components, for embeddings: there are more numbers than
    samples."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    count = min(COMPONENTS, len(values) // 5, values.shape[1])
    model = make_pipeline(
        PCA(count, whiten=True, random_state=0),
        LogisticRegression(C=STRENGTH, class_weight="balanced", solver="newton-cholesky"),
    )
    model.fit(values, test)
    return lambda rows: np.asarray(model.decision_function(rows))


def fit_trees(values: np.ndarray, test: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Boosted trees, for the columns of a table: gaps and codes of categories mean something, and
    so do pairs of columns."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    used = ~np.isnan(values).all(axis=0)  # scikit-learn cannot bin a column of gaps alone
    if not used.any():
        return lambda rows: np.zeros(len(rows))
    model = HistGradientBoostingClassifier(max_iter=50, early_stopping=False, random_state=0)
    model.fit(values[:, used], test)
    return lambda rows: np.asarray(model.decision_function(rows[:, used]))
