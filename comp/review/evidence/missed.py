"""Classes or labels that the run never decides, though the data has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.review.evidence.levels import LEAST_GROUPS
from comp.review.facts import RunFacts


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A class that is never decided out of fold, and how many samples and groups have it."""

    name: str
    samples: int
    groups: int
    usual: float
    """The samples that a class has on average."""

    @property
    def is_rare(self) -> bool:
        """Whether it has less than half of the samples of other classes."""
        return self.samples < self.usual / 2


def missed(facts: RunFacts) -> Sequence[Missed]:
    """The classes that are never decided, the most frequent first. A class of fewer than 5 groups
    proves nothing: chance can leave it out."""
    return facts.once("missed", lambda: _missed(facts))


def _missed(facts: RunFacts) -> Sequence[Missed]:
    numbers, labels = facts.numbers, facts.task.labels
    if numbers is None or numbers.decided is None or not labels:
        return ()
    targets, decided = numbers.targets, numbers.decided
    if not np.isfinite(decided).all():
        return ()
    if targets.shape[1] == 1 and len(labels) > 1:
        classes = np.arange(len(labels))
        has, gets = targets == classes, decided == classes
    elif targets.shape[1] == len(labels):
        has, gets = targets == 1, decided == 1
    else:
        return ()
    groups = np.asarray(numbers.groups, dtype=np.str_)
    found = [
        Missed(
            name=labels[k],
            samples=int(has[:, k].sum()),
            groups=len(np.unique(groups[has[:, k]])),
            usual=float(has.sum(axis=0).mean()),
        )
        for k in range(len(labels))
        if has[:, k].any() and not gets[:, k].any()
    ]
    return sorted(
        (one for one in found if one.groups >= LEAST_GROUPS), key=lambda one: -one.samples
    )
