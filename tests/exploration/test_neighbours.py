"""Nearest neighbours, and whether they have the same class."""

from __future__ import annotations

import numpy as np
from toys import toy

from comp.contract.sample import Sample
from comp.exploration.neighbours import example_rows, neighbours_of, same_class
from comp.exploration.subjects import Subjects
from comp.exploration.vectors import Vectors


def vectors(groups: bool = False) -> Vectors:
    """Four directions; each has two samples of one group. Every second pair is of dogs."""
    rng = np.random.default_rng(0)
    pairs = np.repeat(np.eye(4), 2, axis=0) + rng.normal(scale=0.01, size=(8, 4))
    subjects = Subjects(
        competition=toy(classes=("cat", "dog")),
        samples=[Sample(id=f"s{i}", group=str(i // 2) if groups else None) for i in range(8)],
        splits=["train"] * 8,
        classes=[("cat" if i // 2 % 2 else "dog",) for i in range(8)],
    )
    return Vectors(by="columns", subjects=subjects, values=pairs.astype(np.float32))


def test_the_nearest_is_the_twin() -> None:
    found = neighbours_of(vectors(), 4, count=3)
    assert found.sample.id == "s4"
    assert (found.nearest[0].sample.id, len(found.nearest)) == ("s5", 3)
    assert found.nearest[0].similarity > 0.99


def test_a_twin_of_the_same_group_does_not_count() -> None:
    alone, grouped = same_class(vectors()), same_class(vectors(groups=True))
    assert alone is not None
    assert (alone.samples, alone.share, alone.chance) == (8, 1.0, 0.5)
    assert grouped is not None
    assert grouped.share < 1


def test_examples_are_of_different_classes() -> None:
    found = vectors()
    rows = example_rows(found, 0)
    assert len(set(rows)) == 3
    assert {found.subjects.classes[row][0] for row in rows[:2]} == {"cat", "dog"}
