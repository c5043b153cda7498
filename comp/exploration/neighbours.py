"""Which samples are most like others, and whether neighbours have the same class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.data.groups import group_keys
from comp.exploration.subjects import Named
from comp.exploration.vectors import Vectors
from comp.features.similarity import nearest, unit_vectors

COUNT = 8
"""Neighbours of a sample that are shown."""
EXAMPLES = 3
"""Samples whose neighbours are shown if the user names none."""
CHUNK = 1024


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A sample near another one, by the cosine of their numbers without the mean."""

    sample: Named
    similarity: float


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """The samples that are most like one, the nearest first."""

    sample: Named
    nearest: Sequence[Neighbour]


@dataclass(frozen=True, kw_only=True)
class SameClass:
    """How often the nearest other training sample, of another group, has the same class. `chance`
    is how often a random one does."""

    samples: int
    share: float
    chance: float


def neighbours_of(vectors: Vectors, row: int, count: int = COUNT) -> Neighbours:
    """The samples that are most like that of a row."""
    found = nearest(vectors.values, row, count)
    named = vectors.subjects.named
    return Neighbours(
        sample=named(row),
        nearest=[
            Neighbour(sample=named(other), similarity=round(float(similarity), 4))
            for other, similarity in found
        ],
    )


def example_rows(vectors: Vectors, seed: int) -> list[int]:
    """Rows of training samples to show the neighbours of, of different classes if there are."""
    rows = np.random.default_rng(seed).permutation(vectors.subjects.rows_of("train")).tolist()
    first_of_class = {vectors.subjects.classes[row]: row for row in reversed(rows)}
    chosen = list(first_of_class.values())[:EXAMPLES]
    return [*chosen, *(row for row in rows if row not in chosen)][:EXAMPLES]


def same_class(vectors: Vectors) -> SameClass | None:
    """The agreement of nearest neighbours among training samples; None without classes."""
    subjects = vectors.subjects
    rows = [row for row in subjects.rows_of("train") if len(subjects.classes[row]) == 1]
    names = [subjects.classes[row][0] for row in rows]
    if subjects.several_labels or len(set(names)) < 2:
        return None
    index = np.unique(np.asarray(names, dtype=str), return_inverse=True)[1]
    keys = group_keys([subjects.samples[row] for row in rows])
    groups = np.unique(keys, return_inverse=True)[1]
    unit = unit_vectors(vectors.values[rows])
    same = counted = 0
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        similarity = unit[part] @ unit.T
        similarity[groups[part][:, None] == groups[None]] = -np.inf
        others = np.isfinite(similarity).any(axis=1)
        same += int((index[similarity.argmax(axis=1)] == index[part])[others].sum())
        counted += int(others.sum())
    if not counted:
        return None
    shares = np.bincount(index) / len(index)
    return SameClass(
        samples=counted,
        share=round(same / counted, 4),
        chance=round(float((shares**2).sum()), 4),
    )
