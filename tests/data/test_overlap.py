"""Samples that are scored must not be training samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.contract.sample import Sample
from comp.data.overlap import check_apart
from comp.errors import DataError


def image(folder: Path, name: str, content: str, **fields: str) -> Sample:
    path = folder / f"{name.replace('/', '-')}.png"
    path.write_text(content)
    return Sample(id=name, image=path, target=0.0, **fields)  # type: ignore[arg-type]


def test_ids_groups_and_copies_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    train = [image(tmp_path, f"a{i}", f"pixels {i}", group=f"p{i}") for i in range(4)]
    train.append(image(tmp_path, "7", "pixels 7"))
    fine = [image(tmp_path / "other", f"b{i}", f"other {i}", group=f"q{i}") for i in range(3)]
    number = image(tmp_path / "other", "7", "another seven")
    assert check_apart([*fine, number], train, "patient") == ""

    same_id = image(tmp_path / "other", "a1", "more")
    with pytest.raises(DataError, match=r"1 of 4 samples have the id .* the first is a1: remove"):
        check_apart([*fine, same_id], train, "patient")
    same_group = image(tmp_path / "other", "c1", "more", group="p2")
    with pytest.raises(
        DataError, match=r"a patient that is in the training data.*is 'p2': .*validation_groups=own"
    ):
        check_apart([*fine, same_group], train, "patient")
    assert check_apart([*fine, same_group], train, "patient", own_groups=True) == ""
    twin = [*train, image(tmp_path, "a9", "pixels 9", unit="u1")]
    same_unit = image(tmp_path / "other", "c3", "more", unit="u1")
    with pytest.raises(DataError, match=r"a unit that is in the training data.* is 'u1': "):
        check_apart([*fine, same_unit], twin, "patient")
    assert check_apart([*fine, same_unit], twin, "patient", own_groups=True) == ""
    copy = image(tmp_path / "other", "c2", "pixels 3")
    with pytest.raises(DataError, match="same image file as a training sample, the first is c2"):
        check_apart([*fine, copy], train, "patient")
    again = Sample(id="8", image=train[-1].image, target=0.0)
    with pytest.raises(DataError, match="same image file as a training sample, the first is 8"):
        check_apart([*fine, again], train, "patient")
    with pytest.raises(DataError, match="the id of a training sample, the first is 7"):
        check_apart([train[-1]], train, "patient")


def rows(numbers: range, first: int = 0, modulus: int = 10**6) -> list[Sample]:
    return [
        Sample(id=str(first + i), target=0.0, features={"x": float(i % modulus)}) for i in numbers
    ]


def test_rows_may_be_equal_by_chance() -> None:
    train = rows(range(50))
    note = check_apart(rows(range(45, 60)), train, "group")
    assert note == "5 of 15 rows have the cells of a training row, the first is 45"
    assert check_apart(rows(range(50, 60)), train, "group") == ""
    with pytest.raises(DataError, match="9 of 10 samples have the cells of a training row"):
        check_apart(rows(range(41, 51), first=100), train, "group")
    coins = rows(range(50), modulus=2)  # every row repeats
    assert "20 of 20 rows" in check_apart(rows(range(20), modulus=2), coins, "group")
