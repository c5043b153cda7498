"""Groups in columns and file names, and times."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from comp.discovery.groups import (
    group_column,
    group_pattern,
    groups_in_ids,
    time_column,
)
from comp.discovery.tables import DataTable, read_table
from comp.tasks.name_groups import group_in
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


def test_what_most_names_begin_with_is_no_group() -> None:
    """The fold of the usual size had nine of ten images."""
    names = [f"img_{'640x480' if i % 10 else f'{i}x{i}'}_{i // 3}.png" for i in range(300)]
    assert group_pattern(names) == (None, None)
    names = [f"cam{i % 12 if i % 4 == 0 else 0}_{i // 5}_{i % 5}.png" for i in range(400)]
    assert group_pattern(names)[0] == "^(?:(cam[0-9]+_[0-9]+)_)"


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


def lgg_names() -> list[str]:
    """Slices of patients of several hospitals, most of which have few patients."""
    patients = [(site, p) for site, count in SITES.items() for p in range(count)]
    return [
        f"TCGA_{site}_{4900 + p}_1996{p:04d}_{s}.tif" for site, p in patients for s in range(36)
    ]


SITES = {"CS": 16, "DU": 45, "EZ": 1, "FG": 14, "HT": 34}
CODES = [sha256(str(i).encode()).hexdigest()[:12] for i in range(30)]


@pytest.mark.parametrize(
    ("names", "group", "count"),
    [
        (lgg_names(), "TCGA_HT_4903", 110),
        ([f"{code}_{k:02d}.jpg" for code in CODES for k in range(16)], CODES[3], 30),
        (
            [f"C{i}P{i % 3}thinF_IMG_{k}_cell_{i * k}.png" for i in range(20) for k in range(9)],
            "C7P1thinF",
            20,
        ),
        (
            [
                f"{8000 + p}_idx5_x{x}_y{y}.png"
                for p in range(60)
                for x in range(12)
                for y in range(12)
            ],
            "8007",
            60,
        ),
        (
            [
                f"SOB_{t}-14-{i}AB-{k}.png"
                for t in ("B_A", "M_DC")
                for i in range(12)
                for k in "1234"
            ],
            "SOB_M_DC-14-7AB",
            24,
        ),
    ],
)
def test_groups_of_several_forms_codes_and_many_images(
    names: list[str], group: str, count: int
) -> None:
    """Patients of LGG-MRI, cars of Carvana, cells of malaria slides, patches of breast tissue."""
    pattern, finding = group_pattern(names)
    assert pattern
    assert finding
    found = [group_in(pattern, name) for name in names]
    assert None not in found
    assert len(set(found)) == count
    assert group in found


def test_codes_that_do_not_repeat_are_no_groups() -> None:
    codes = [sha256(str(i).encode()).hexdigest() for i in range(400)]
    names = [f"{code[:8]}-{code[8:12]}-{code[12:24]}.png" for code in codes]
    assert group_pattern(names) == (None, None)
    names += [f"{code[:8]}-x-y.png" for code in codes[:4]]  # a few by chance
    assert group_pattern(names) == (None, None)


def test_a_code_does_not_match_names_of_another_form() -> None:
    codes = [f"{code}_{k}.png" for code in CODES for k in range(4)]
    scans = [f"scan_{i // 2}_{i % 2}.png" for i in range(40)]
    pattern, _ = group_pattern(codes + scans)
    assert pattern
    assert {group_in(pattern, name) for name in scans} == {f"scan_{i}" for i in range(20)}


def test_the_coarser_of_two_groups_that_the_test_set_does_not_share(tmp_path: Path) -> None:
    header = "id,seq_id,location,label"
    rows: list[list[object]] = [[i, f"s{i // 2}", f"l{i // 8}", i % 3] for i in range(160)]
    train = table(tmp_path, "train.csv", header, rows)
    later: list[list[object]] = [[500 + i, f"t{i // 2}", f"m{i // 8}"] for i in range(40)]
    test = table(tmp_path, "test.csv", "id,seq_id,location", later)
    assert group_column(train, {"id", "label"}, images=True, test=test)[0] == "location"
