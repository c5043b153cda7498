"""What the curves of the folds say: trends over the last half of the training, against noise.

A trend is tested by the ranks of each fold alone, so that folds with other levels do not matter:
Page's test (Page, Ordered hypotheses for multiple treatments, JASA 58, 1963), with one fold
Kendall's. Both are exact for few points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comp.review.evidence.levels import LEVEL
from comp.review.facts import RunFacts

LEAST = 3
"""Validations of a fold that show a trend, at least."""


@dataclass(frozen=True, kw_only=True)
class Tail:
    """The last half of the validations of each fold, at least 3: K folds, m validations.

    `scores` are signed, so that larger is better. `losses` are mean training losses since the
    validation before.
    """

    scores: np.ndarray
    losses: np.ndarray
    steps: Sequence[int]
    """The first and the last step, of the first fold."""

    @property
    def gain(self) -> float:
        """The mean gain of the score from the last validation but one to the last."""
        return float((self.scores[:, -1] - self.scores[:, -2]).mean())

    @property
    def fall(self) -> float:
        """By how much the mean score is worse at the end than at its best in the tail."""
        mean = self.scores.mean(axis=0)
        return float(mean.max() - mean[-1])

    @property
    def score_rises(self) -> bool:
        """Whether the scores become better, beyond chance."""
        return rises(self.scores)

    @property
    def score_falls(self) -> bool:
        """Whether the scores become worse, beyond chance."""
        return rises(-self.scores)

    @property
    def loss_falls(self) -> bool:
        """Whether the mean training loss is lower at the end of the tail than at its start."""
        return bool(self.losses[:, -1].mean() < self.losses[:, 0].mean())

    @property
    def loss_surely_falls(self) -> bool:
        """Whether the training losses fall, beyond chance."""
        return rises(-self.losses)


def tail(facts: RunFacts) -> Tail | None:
    """The end of the curves; None if a fold has fewer than 3 validations, or they are not all
    finite."""
    histories = [fold.history for fold in facts.folds if fold.history]
    shortest = min((len(history) for history in histories), default=0)
    if shortest < LEAST:
        return None
    length = max(LEAST, math.ceil(shortest / 2))
    sign = 1.0 if facts.metric.direction == "max" else -1.0
    scores = sign * _column(histories, "score", length)
    losses = _column(histories, "loss", length)
    if not (np.isfinite(scores).all() and np.isfinite(losses).all()):
        return None
    ends = [int(line["step"]) for line in histories[0][-length:]]
    return Tail(scores=scores, losses=losses, steps=(ends[0], ends[-1]))


def losses(facts: RunFacts) -> np.ndarray | None:
    """The training losses of all validations, (K, V), cut to those that all folds have; None if
    there are fewer than 3."""
    histories = [fold.history for fold in facts.folds if fold.history]
    shortest = min((len(history) for history in histories), default=0)
    if shortest < LEAST:
        return None
    found = _column([history[:shortest] for history in histories], "loss", shortest)
    return found if np.isfinite(found).all() else None


def _column(histories: Sequence[Sequence[Mapping[str, Any]]], name: str, length: int) -> np.ndarray:
    rows = [[_number(line.get(name)) for line in history[-length:]] for history in histories]
    return np.array(rows, dtype=np.float64)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def rises(values: np.ndarray) -> bool:
    """Whether the rows (K, m) rise together, beyond chance."""
    from scipy.stats import kendalltau, page_trend_test

    if np.ptp(values, axis=1).max() == 0:
        return False
    if len(values) == 1:
        found = kendalltau(np.arange(values.shape[1]), values[0], alternative="greater")
    else:
        found = page_trend_test(values)
    return bool(found.pvalue < LEVEL)
