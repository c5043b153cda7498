"""Groups in columns and file names, times, and ids that give labels away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from comp.discovery.groups import (
    group_column,
    group_pattern,
    groups_in_ids,
    leak_in_ids,
    time_column,
)
from comp.discovery.tables import Column, DataTable, read_table
from tests.fakes.layouts import csv


def table(folder: Path, name: str, header: str, rows: list[list[object]]) -> DataTable:
    """A table of a CSV."""
    csv(folder / name, header, rows)
    return read_table(folder, name)


@pytest.mark.parametrize(
    ("names", "group", "expected"),
    [
        ([f"person{i // 2}_virus_{i}.jpg" for i in range(40)], "person3_virus_6.jpg", "person3"),
        ([f"IM-{i // 2:04d}-{i % 2}.jpg" for i in range(40)], "IM-0003-1.jpg", "IM-0003"),
        ([f"{i // 2}_{'lr'[i % 2]}.png" for i in range(40)], "3_r.png", "3"),
        ([f"a+b({i // 2})_{i}.png" for i in range(40)], "a+b(3)_6.png", "a+b(3"),
    ],
)
def test_groups_in_file_names(names: list[str], group: str, expected: str) -> None:
    pattern, finding = group_pattern(names)
    assert pattern
    assert finding
    match = re.search(pattern, group)
    assert match
    assert next(filter(None, match.groups())) == expected
    assert all(re.search(pattern, name) for name in names)


@pytest.mark.parametrize(
    "names",
    [
        [f"cat.{i}.jpg" for i in range(40)],
        [f"img_{i}.jpg" for i in range(40)],
        [f"{i}.jpg" for i in range(40)],
        [f"{i:03d}_{i * 7}.jpg" for i in range(40)],
        [f"fold{i % 3}_{i}.jpg" for i in range(40)],
    ],
)
def test_names_without_groups(names: list[str]) -> None:
    assert group_pattern(names) == (None, None)


def test_two_kinds_of_names_of_one_patient_are_one_group() -> None:
    names = [f"IM-{i:04d}-1.jpg" for i in range(20)] + [f"IM-{i:04d}-1-2.jpg" for i in range(20)]
    pattern, _ = group_pattern(names)
    assert pattern == "^(?:(IM-[0-9]+)-)"


def test_groups_in_ids_are_told() -> None:
    names = [f"{i // 2}_{['left', 'right'][i % 2]}" for i in range(40)]
    pattern, finding = groups_in_ids(names)
    assert pattern == "^(?:([0-9]+)_)"
    assert finding
    assert finding.what.endswith("such as 0_left with 0, are one group")
    assert groups_in_ids([f"a{i}" for i in range(40)]) == (None, None)


def test_the_number_of_the_class_is_no_group() -> None:
    names = [f"{i % 12}_{i // 24}_{i}.png" for i in range(96)]  # class_track_frame
    assert group_pattern(names)[0] == "^(?:([0-9]+)_)"
    assert group_pattern(names, [str(i % 12) for i in range(96)])[0] == "^(?:([0-9]+_[0-9]+)_)"


def test_columns_of_groups(tmp_path: Path) -> None:
    rows: list[list[object]] = [[i, f"p{i // 2}", i // 2, i % 3] for i in range(40)]
    train = table(tmp_path, "train.csv", "id,patient_id,store,label", rows)
    assert group_column(train, {"id", "label"}, images=True)[0] == "patient_id"
    shared = table(tmp_path, "test.csv", "id,patient_id", [[50 + i, f"p{i}"] for i in range(20)])
    assert group_column(train, {"id", "label"}, images=False, test=shared)[0] is None


def test_time_column_only_if_the_test_set_is_later(tmp_path: Path) -> None:
    def days(name: str, first: int) -> DataTable:
        rows: list[list[object]] = [[i, f"2020-01-{first + i:02d}"] for i in range(10)]
        return table(tmp_path, name, "id,date", rows)

    train = days("train.csv", 1)
    name, finding = time_column(train, days("test.csv", 11), {"id"})
    assert name == "date"
    assert finding
    assert finding.certainty == "sure"
    assert time_column(train, days("mixed.csv", 5), {"id"})[0] is None


def test_ids_that_contain_the_label() -> None:
    ids = Column("id", ["cat_1", "dog_2", "dog_3"])
    assert leak_in_ids(ids, Column("label", ["cat", "dog", "dog"]))
    assert not leak_in_ids(ids, Column("label", ["dog", "cat", "cat"]))
