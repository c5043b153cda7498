"""Whether probabilities are those of the events, by an error whose expectation is 0 if they are.

The usual calibration error is never 0: chance makes a gap in every bin. Here one half of the groups
says in each bin whether the probabilities are too high or too low, and the other half measures by
how much; then the halves change their parts. So gaps of chance cancel, and the sums of whole groups
give the standard error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comp.contract.metrics import AUC, MEAN_AUC, SPEARMAN
from comp.review.evidence.levels import LEAST_GROUPS, SURE
from comp.review.evidence.noise import group_sums
from comp.review.facts import RunFacts

MATTERS = 0.05
"""A mean gap of 5 points between probability and frequency is worth a word; a judgement, not a
test."""

BINS = 10
"""Bins with the same number of probabilities. Bins of the same width would hide probabilities that
are all near one half."""
BOTH = (1 + 2 / np.pi) ** 0.5
"""The measurements of the two halves are not independent: where both have a gap to the same side,
both add to the error. With gaps a and b of chance, the variance of |a| + |b| with a random sign is
larger by this factor, squared, than that of two independent ones."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The mean gap between probabilities and frequencies, with a 99 % interval, and the mean
    probability of what is most probable beside how often it is true."""

    error: float
    low: float
    high: float
    confidence: float
    hits: float

    @property
    def is_bad(self) -> bool:
        """Whether the gap is surely above 5 points."""
        return self.low > MATTERS


def calibration(facts: RunFacts) -> Calibration | None:
    """The calibration of classes or labels; None of other tasks, with too few groups, or if the
    metric compares ranks or decisions, which do not need probabilities that are frequencies."""
    return facts.once("calibration", lambda: _calibration(facts))


def _calibration(facts: RunFacts) -> Calibration | None:
    numbers = facts.numbers
    if numbers is None or not _cares(facts) or not np.isfinite(numbers.predictions).all():
        return None
    exclusive = facts.task.exclusive
    groups = np.unique(np.asarray(numbers.groups, dtype=np.str_), return_inverse=True)[1]
    if groups.max() + 1 < 4 * LEAST_GROUPS:
        return None
    if exclusive:
        shares = exclusive.probabilities(numbers.predictions)
        truth = numbers.targets[:, 0].astype(np.int64)
        top = shares.max(axis=1)
        hits = (shares.argmax(axis=1) == truth).astype(np.float64)
        confidences, events = top, hits
        if shares.shape[1] == 2:
            confidences, events = shares[:, 1], truth.astype(np.float64)
        probabilities = confidences[:, None]
        happened = events[:, None]
    elif facts.task.suspects == "labels":
        probabilities, happened = numbers.predictions, numbers.targets
        top = np.maximum(probabilities, 1 - probabilities).mean(axis=1)
        hits = ((probabilities >= 0.5) == (happened == 1)).mean(axis=1)
    else:
        return None
    error, spread = crossed_error(happened, probabilities, groups)
    return Calibration(
        error=error,
        low=error - SURE * spread,
        high=error + SURE * spread,
        confidence=float(top.mean()),
        hits=float(hits.mean()),
    )


def crossed_error(
    happened: np.ndarray, probabilities: np.ndarray, groups: np.ndarray, seed: int = 0
) -> tuple[float, float]:
    """The calibration error by two halves of the groups, and its standard error.

    Args:
        happened: 0 or 1, float (N, K).
        probabilities: float (N, K) in 0..1.
        groups: int (N,) from 0.
    """
    gaps = happened - probabilities
    edges = np.quantile(probabilities, np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(edges, probabilities)
    order = np.random.default_rng(seed).permutation(groups.max() + 1)
    half = (order % 2)[groups]
    signed = np.zeros(len(gaps))
    for side in (0, 1):
        says, measures = half == side, half != side
        direction = np.sign(np.bincount(bins[says].ravel(), gaps[says].ravel(), minlength=BINS))
        signed[measures] = (direction[bins[measures]] * gaps[measures]).mean(axis=1)
    sums = group_sums(signed, [str(group) for group in groups])
    error = float(np.sqrt(np.square(sums).sum())) / len(signed)
    return float(signed.mean()), BOTH * error


def _cares(facts: RunFacts) -> bool:
    metric = facts.metric
    ranks = metric.score in (AUC.score, MEAN_AUC.score, SPEARMAN.score) or metric.top is not None
    return metric.takes == "predictions" and not ranks
