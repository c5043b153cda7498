"""Samples that are compared: a random part keeps the shares of the classes."""

from __future__ import annotations

from collections import Counter

import pytest
from toys import toy

from comp.contract.sample import Sample
from comp.exploration.subjects import Subjects, choose


@pytest.fixture
def subjects() -> Subjects:
    """900 cats, 90 dogs and 10 birds."""
    names = ["cat"] * 900 + ["dog"] * 90 + ["bird"] * 10
    return Subjects(
        competition=toy(classes=("cat", "dog", "bird")),
        samples=[Sample(id=str(row)) for row in range(1000)],
        splits=["train"] * 1000,
        classes=[(name,) for name in names],
    )


def test_a_part_keeps_the_shares_and_the_order(subjects: Subjects) -> None:
    rows = choose(subjects, range(1000), 100, seed=3)
    assert rows == sorted(rows)
    assert Counter(subjects.classes[row][0] for row in rows) == {"cat": 90, "dog": 9, "bird": 1}
    assert rows == choose(subjects, range(1000), 100, seed=3)
    assert rows != choose(subjects, range(1000), 100, seed=4)


def test_few_rows_are_all_taken(subjects: Subjects) -> None:
    assert choose(subjects, [5, 6], 100, seed=0) == [5, 6]


def test_an_id_of_both_splits_is_that_of_train() -> None:
    subjects = Subjects(
        competition=toy(classes=("a", "b")),
        samples=[Sample(id="1"), Sample(id="2"), Sample(id="1")],
        splits=["train", "train", "test"],
        classes=[("a",), (), ()],
    )
    assert (subjects.row_of("1"), subjects.row_of("3")) == (0, None)
    assert subjects.named(2).split == "test"
    assert subjects.take([2, 0]).splits == ["test", "train"]
