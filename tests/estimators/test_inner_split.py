"""The rows on which settings are chosen."""

from __future__ import annotations

import numpy as np
import pytest

from comp.estimators.inner_split import inner_split


def test_a_fifth_is_held_out_and_classes_are_balanced() -> None:
    classes = np.repeat([0, 1], [90, 10])
    split = inner_split(classes, 100, None, 0.2, 0)
    assert split
    train, held_out = split
    assert sorted([*train, *held_out]) == list(range(100))
    assert np.bincount(classes[held_out]).tolist() == [18, 2]


@pytest.mark.parametrize("stratified", [False, True])
def test_groups_are_not_split(stratified: bool) -> None:
    groups = [f"group {i // 4}" for i in range(60)]
    classes = np.arange(60) // 8 % 2 if stratified else None
    split = inner_split(classes, 60, groups, 0.2, 0)
    assert split
    train, held_out = ({groups[i] for i in part} for part in split)
    assert not train & held_out
    assert held_out


@pytest.mark.parametrize(("rows", "groups"), [(0, None), (5, None), (50, ["one"] * 50)])
def test_too_few_rows_or_groups_give_no_split(rows: int, groups: list[str] | None) -> None:
    assert inner_split(None, rows, groups, 0.2, 0) is None


def test_rare_classes_are_no_error_and_the_seed_decides() -> None:
    classes = np.array([0] * 28 + [1, 2])
    first, second, third = (inner_split(classes, 30, None, 0.2, seed) for seed in (0, 0, 1))
    assert first
    assert second
    assert third
    assert first[1].tolist() == second[1].tolist() != third[1].tolist()
