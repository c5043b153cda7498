"""Find columns in which train and test differ, each on its own."""

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
KS = 0.1
"""Kolmogorov-Smirnov distance from which a column differs, if chance does not explain it."""
CHANCE = 1e-4
"""Probability of a distance by chance up to which it is not chance."""
UNKNOWN = 0.01
"""Share of the test rows with unknown categories from which a column differs."""


def find_shift(treatment: Treatment, train: Sequence[Row], test: Sequence[Row]) -> list[Finding]:
    """Columns that differ between train and test."""
    if min(len(train), len(test)) < LEAST_ROWS:
        return []
    known, other = treatment.for_trees(train), treatment.for_trees(test)
    return [
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
