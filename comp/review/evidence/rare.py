"""Whether rare classes are found less often than the others, beyond chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comp.review.evidence.levels import LEAST_GROUPS
from comp.review.evidence.noise import Mean, mean_interval
from comp.review.facts import RunFacts

RARE = 0.5
"""A class is rare if it has less than this part of an equal share of the samples."""


@dataclass(frozen=True, kw_only=True)
class RareClass:
    """The rarest class: its share, and how many of its samples are found; and of the others."""

    name: str
    samples: int
    share: float
    found: Mean
    others: Mean


def rare_class(facts: RunFacts) -> RareClass | None:
    """The rarest class, if it is rare and surely found less than half as often as the others."""
    return facts.once("rare class", lambda: _rare_class(facts))


def _rare_class(facts: RunFacts) -> RareClass | None:
    numbers = facts.numbers
    if numbers is None or numbers.decided is None or facts.task.exclusive is None:
        return None
    truth = numbers.targets[:, 0].astype(np.int64)
    counts = np.bincount(truth, minlength=len(facts.task.labels)).astype(np.float64)
    counts[counts == 0] = np.inf
    rarest = int(counts.argmin())
    mine = truth == rarest
    if counts[rarest] >= RARE * len(truth) / len(counts) or mine.all():
        return None
    right = (numbers.decided[:, 0] == truth).astype(np.float64)
    groups = np.asarray(numbers.groups, dtype=np.str_)
    if len(np.unique(groups[mine])) < LEAST_GROUPS:
        return None
    found, others = (
        mean_interval(right[mine], list(groups[mine])),
        mean_interval(right[~mine], list(groups[~mine])),
    )
    if found.high >= others.low / 2:
        return None
    return RareClass(
        name=facts.task.labels[rarest],
        samples=int(mine.sum()),
        share=float(mine.mean()),
        found=found,
        others=others,
    )
