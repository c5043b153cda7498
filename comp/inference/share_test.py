"""Whether the classes that are decided on the test have other shares than those out of fold.

The test is Fisher's exact test of each class, of which the smallest p value counts, multiplied by
the number of classes (Bonferroni); two classes are one test. It is exact for rare classes too.
Samples of one group, such as the images of one patient, are similar: their number is divided by the
design effect, the variance of a share by groups over that of independent samples (Kish, Survey
Sampling, 1965, section 5.4). If only the groups of the training samples are known, their design
effect counts for the test too.

Each network is compared with itself: its decisions on its held-out samples with its decisions on
the test. The mean of several networks decides otherwise than each of them, also without a shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import fisher_exact

LEVEL = 0.01
"""Share of runs without a shift in which the test finds one, at most."""


@dataclass(frozen=True, kw_only=True)
class DecidedClasses:
    """Decisions as class indices: `held_out` (N,) with its N `groups`, `test` (F, M) of F networks
    with `weights` (F,) of sum 1, the parts of the held-out samples that they predicted, and its M
    `test_groups`."""

    held_out: np.ndarray
    groups: Sequence[str]
    test: np.ndarray
    weights: np.ndarray
    test_groups: Sequence[str]


def decided_shares(decided: np.ndarray, classes: int) -> np.ndarray:
    """The share of each class among decisions (N,), float64 (K,)."""
    shares: np.ndarray = np.bincount(decided.ravel(), minlength=classes) / max(1, decided.size)
    return shares


def shares_p_value(decided: DecidedClasses, classes: int) -> float:
    """The p value of no difference, 0..1."""
    tests = range(1, 2) if classes == 2 else range(classes)
    one_hot = np.eye(classes)[decided.held_out]
    typical = design_effect(one_hot, decided.groups)
    smallest = min(_p_value(decided, index, typical) for index in tests)
    return min(1.0, smallest * len(tests))


def _p_value(decided: DecidedClasses, index: int, typical: float) -> float:
    """Args: `typical` is the design effect of all classes together, for those that are too rare to
    have one of their own."""
    held_out = (decided.held_out == index).astype(np.float64)
    test = decided.weights @ (decided.test == index)
    effect = max(typical, design_effect(held_out, decided.groups))
    grouped = len(set(decided.test_groups)) < len(decided.test_groups)
    test_effect = design_effect(test, decided.test_groups) if grouped else effect
    counts = []
    for part, by in ((held_out, effect), (test, max(effect, test_effect))):
        samples = max(1, round(len(part) / by))
        inside = round(float(part.mean()) * samples)
        counts.append([inside, samples - inside])
    return float(fisher_exact(counts)[1])


def design_effect(values: np.ndarray, groups: Sequence[str]) -> float:
    """The variance of the mean of values (N,) by groups over that by samples, at least 1; of
    several columns (N, K), that of their sums."""
    rest = (values - values.mean(axis=0)).reshape(len(values), -1)
    spread = float((rest**2).sum())
    if spread == 0:
        return 1.0
    number = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)[1]
    sums = [np.bincount(number, column) for column in rest.T]
    return max(1.0, float(np.square(sums).sum()) / spread)
