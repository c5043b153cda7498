"""Classes and groups of training samples."""

from __future__ import annotations

from toys import toy

from comp.contract.sample import Sample
from comp.exploration.balance import class_balance
from comp.exploration.subjects import Subjects


def subjects(classes: list[tuple[str, ...]], groups: list[str | None]) -> Subjects:
    samples = [Sample(id=str(row), group=group) for row, group in enumerate(groups)]
    return Subjects(
        competition=toy(classes=("a", "b", "c"), group="patient"),
        samples=samples,
        splits=["train"] * len(samples),
        classes=classes,
    )


def test_classes_and_groups_are_counted() -> None:
    found = class_balance(
        subjects([("a",), ("a",), ("a",), ("b",), ()], ["p1", "p1", "p2", "p1", None])
    )
    assert found is not None
    assert [(c.name, c.samples, c.share, c.groups) for c in found.classes] == [
        ("a", 3, 0.6, 2),
        ("b", 1, 0.2, 1),
        ("c", 0, 0.0, 0),
    ]
    assert (found.ratio, found.none, found.several) == (3.0, 1, 0)
    assert found.groups is not None
    assert (found.groups.groups, found.groups.largest_name, found.groups.mixed) == (2, "p1", 1)


def test_several_labels_and_no_groups() -> None:
    found = class_balance(subjects([("a", "b"), ("b",)], [None, None]))
    assert found is not None
    assert (found.several, found.groups) == (1, None)


def test_numbers_without_groups_have_no_balance() -> None:
    assert class_balance(subjects([(), ()], [None, None])) is None
