"""Whether the labels themselves limit the score of a classification.

The errors of a good model are where it is unsure. Wrong labels are everywhere, also where it is
sure: there its errors stay above a floor, however sure it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comp.inference.confident import confident_labels
from comp.review.evidence.levels import LEAST_GROUPS
from comp.review.evidence.noise import Mean, mean_interval
from comp.review.facts import RunFacts

FLOOR = 0.01
"""Share of errors among the surest quarter above which labels are named; a judgement."""
SKILL = 0.5
"""A model that does not halve the errors of the most frequent class cannot judge labels."""
FLAT = 1 / 3
"""The surest quarter has at least this part of the overall share of errors."""


@dataclass(frozen=True, kw_only=True)
class LabelNoise:
    """The errors among the surest quarter of the predictions, and the labels that confident
    learning calls wrong."""

    sure_errors: Mean
    errors: float
    wrong: int
    samples: int


def label_noise(facts: RunFacts) -> LabelNoise | None:
    """The evidence of wrong labels; None without exclusive classes, or without such evidence."""
    return facts.once("label noise", lambda: _label_noise(facts))


def _label_noise(facts: RunFacts) -> LabelNoise | None:
    numbers, exclusive = facts.numbers, facts.task.exclusive
    if numbers is None or exclusive is None or not np.isfinite(numbers.predictions).all():
        return None
    shares = exclusive.probabilities(numbers.predictions)
    truth = numbers.targets[:, 0].astype(np.int64)
    wrong = (shares.argmax(axis=1) != truth).astype(np.float64)
    majority = 1 - np.bincount(truth).max() / len(truth)
    if not 0 < wrong.mean() <= SKILL * majority:
        return None
    surest = np.argsort(-shares.max(axis=1), kind="stable")[: len(truth) // 4]
    groups = [numbers.groups[row] for row in surest]
    if len(set(groups)) < 4 * LEAST_GROUPS:
        return None
    errors = mean_interval(wrong[surest], groups)
    if errors.low <= FLOOR or errors.value < FLAT * wrong.mean():
        return None
    return LabelNoise(
        sure_errors=errors,
        errors=float(wrong.mean()),
        wrong=int(confident_labels(shares, truth).wrong.sum()),
        samples=len(truth),
    )
