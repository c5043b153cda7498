"""Find columns in which train and test differ, and whether a model can tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comp.data.audit.findings import Finding, findings_of
from comp.data.columns.cells import Row, labels
from comp.data.columns.matrices import Matrix
from comp.data.columns.treatment import Treatment

if TYPE_CHECKING:
    import numpy as np

LEAST_ROWS = 50
"""Rows of train and of test from which they are compared."""
MOST_ROWS = 5000
"""Rows of each that a model gets, a random part if there are more."""
KS = 0.1
"""Kolmogorov-Smirnov distance from which a column differs, if chance does not explain it."""
CHANCE = 1e-4
"""Probability of a distance by chance up to which it is not chance."""
UNKNOWN = 0.01
"""Share of the test rows with unknown categories from which a column differs."""
TOLD_APART = 0.7
"""AUC from which a model tells train and test apart."""


def find_shift(
    treatment: Treatment,
    train: Sequence[Row],
    test: Sequence[Row],
    groups: Sequence[object],
    *,
    quick: bool = False,
) -> list[Finding]:
    """Columns that differ between train and test.

    Args:
        groups: of each training row; rows of one group are held out together.
        quick: do not train the model that tells train and test apart.
    """
    if min(len(train), len(test)) < LEAST_ROWS:
        return []
    known, other = treatment.for_trees(train), treatment.for_trees(test)
    findings = [
        *findings_of(
            "column-shift",
            "warning",
            _distances(known, other),
            "columns that are distributed otherwise in test than in train",
            "scores of held-out rows may not hold in test: try the run without them (columns.drop)",
        ),
        *findings_of(
            "unknown-categories",
            "warning",
            _unknown(treatment, train, test),
            "columns with categories in test that the training rows do not have",
            "a model learns nothing of them",
        ),
    ]
    if quick or not known.names:
        return findings
    auc = _told_apart(known, other, groups)
    names = [f"AUC {auc:.3f}"] if auc >= TOLD_APART else []
    words = "a model tells training rows from test rows (0.5 is chance)"
    advice = "make folds as train and test were split: by a group, or scheme = time"
    return [*findings, *findings_of("train-test-differ", "warning", names, words, advice)]


def _distances(train: Matrix, test: Matrix) -> list[str]:
    """Columns of numbers, dates and categories that differ, with their distance."""
    import numpy as np
    from scipy.stats import ks_2samp

    names = []
    for i, name in enumerate(train.names):
        first, second = train.values[:, i], test.values[:, i]
        gaps = abs(float(np.isnan(first).mean()) - float(np.isnan(second).mean()))
        first, second = first[~np.isnan(first)], second[~np.isnan(second)]
        if train.categorical[i]:
            distance = _total_variation(first, second) if len(first) and len(second) else 0.0
            chance = 0.0 if distance > 2 * KS else 1.0
        elif len(first) and len(second):
            result = ks_2samp(first, second, method="asymp")
            distance, chance = float(result.statistic), float(result.pvalue)
        else:
            distance, chance = 0.0, 1.0
        if distance > KS and chance < CHANCE:
            names.append(f"{name} (distance {distance:.2f})")
        elif gaps > KS:
            names.append(f"{name} (gaps {gaps:+.0%})")
    return names


def _total_variation(first: np.ndarray, second: np.ndarray) -> float:
    """Half the sum of the differences of the shares of all values, 0..1."""
    import numpy as np

    size = int(max(first.max(), second.max())) + 1
    shares = [np.bincount(c.astype(int), minlength=size) / len(c) for c in (first, second)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _unknown(treatment: Treatment, train: Sequence[Row], test: Sequence[Row]) -> list[str]:
    """Columns with the share of test rows whose category no training row has."""
    names = []
    for name in treatment.features.levels:
        known = {"", *labels([row[name] for row in train])}
        strange = [text for text in labels([row[name] for row in test]) if text not in known]
        if len(strange) >= UNKNOWN * len(test):
            names.append(f"{name} ({len(strange) / len(test):.0%}, such as '{strange[0]:.40}')")
    return names


def _told_apart(train: Matrix, test: Matrix, groups: Sequence[object]) -> float:
    """The AUC of boosted trees that tell train from test, on held-out rows."""
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold

    generator = np.random.default_rng(0)
    parts = [generator.permutation(len(part))[:MOST_ROWS] for part in (train, test)]
    values = np.concatenate([train.values[parts[0]], test.values[parts[1]]])
    target = np.repeat([0, 1], [len(part) for part in parts])
    names = [f"train {groups[i]}" for i in parts[0]] + [f"test {i}" for i in parts[1]]
    index = np.unique(names, return_inverse=True)[1]
    predicted = np.zeros(len(target))
    for fit, held_out in GroupKFold(2, shuffle=True, random_state=0).split(values, groups=index):
        if len(np.unique(target[fit])) < 2:
            return 0.5
        model = HistGradientBoostingClassifier(max_iter=50, random_state=0)
        model.fit(values[fit], target[fit])
        predicted[held_out] = model.predict_proba(values[held_out])[:, 1]
    return float(roc_auc_score(target, predicted))
