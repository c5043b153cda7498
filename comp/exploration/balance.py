"""How many training samples each class has, and how groups lie over the classes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.exploration.subjects import Subjects


@dataclass(frozen=True, kw_only=True)
class ClassCount:
    """The training samples of a class, their share of all, and the groups they come from."""

    name: str
    samples: int
    share: float
    groups: int | None = None


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Groups of training samples, such as patients: their number, the samples of the median and of
    the largest one, and how many have samples of several classes."""

    noun: str
    groups: int
    median: float
    largest: int
    largest_name: str
    mixed: int


@dataclass(frozen=True, kw_only=True)
class Balance:
    """The classes of the training samples, the largest first. `kind` is "classes", or "strata" if
    folds balance something else than classes. `ratio` is the largest class over the smallest.
    `several` samples have more than one label, and `none` no label."""

    kind: str
    classes: Sequence[ClassCount]
    ratio: float | None
    several: int = 0
    none: int = 0
    groups: Groups | None = None


def class_balance(subjects: Subjects) -> Balance | None:
    """Count the classes and groups of the training samples; None if there are neither."""
    rows = subjects.rows_of("train")
    names = [subjects.classes[row] for row in rows]
    group_of = [subjects.samples[row].group for row in rows]
    groups = _groups(subjects, names, group_of)
    counts = Counter(name for own in names for name in own)
    if not counts and groups is None:
        return None
    members: dict[str, set[str]] = defaultdict(set)
    for own, group in zip(names, group_of, strict=True):
        for name in own if group is not None else ():
            members[name].add(str(group))
    known = subjects.competition.task.labels if subjects.kind == "classes" else ()
    order = sorted(dict.fromkeys([*counts, *known]), key=lambda name: (-counts[name], name))
    smallest = min((counts[name] for name in counts), default=0)
    return Balance(
        kind=subjects.kind,
        classes=[
            ClassCount(
                name=name,
                samples=counts[name],
                share=round(counts[name] / max(1, len(rows)), 5),
                groups=len(members[name]) if groups else None,
            )
            for name in order
        ],
        ratio=round(max(counts.values()) / smallest, 2) if smallest else None,
        several=sum(len(own) > 1 for own in names),
        none=sum(not own for own in names) if counts else 0,
        groups=groups,
    )


def _groups(
    subjects: Subjects, names: Sequence[tuple[str, ...]], group_of: Sequence[str | None]
) -> Groups | None:
    sizes = Counter(group for group in group_of if group is not None)
    if not sizes:
        return None
    classes: dict[str, set[str]] = defaultdict(set)
    for own, group in zip(names, group_of, strict=True):
        if group is not None and len(own) == 1:
            classes[group].update(own)
    (largest, count), *_ = sizes.most_common(1)
    return Groups(
        noun=subjects.competition.group or "group",
        groups=len(sizes),
        median=float(np.median(list(sizes.values()))),
        largest=count,
        largest_name=str(largest),
        mixed=sum(len(found) > 1 for found in classes.values()),
    )
