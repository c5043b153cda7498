"""The file of `drop`, and what it drops."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.contract.sample import Sample
from comp.data.dropped import (
    dropped_units,
    read_dropped,
    read_pointer,
    trained,
    without_dropped,
    write_pointer,
)
from comp.errors import DataError, RunError

SAMPLES = [
    *(
        Sample(id=name)
        for name in ("007", "a/b.png", "plain id", "a,b", 'two\n"lines"', "a\u2028b")
    ),
    *(Sample(id=f"view {n}", unit="patient") for n in (1, 2)),
]


@pytest.mark.parametrize(
    ("name", "text", "ids"),
    [
        ("s.csv", "rank,id,score\n1,007,0.1\n2,a/b.png,0.2\n", ["007", "a/b.png"]),
        ("s.csv", "\ufeffid\n007\n007\n\n", ["007"]),  # twice, and with a mark of Excel
        ("s.csv", 'label,id\nx,"a,b"\r\ny,"a,b"\r\n', ["a,b"]),
        ("s.txt", "plain id\na,b\n\n  007  \n", ["007", "plain id", "a,b"]),
        ("s.txt", "patient\n", ["view 1", "view 2"]),
        ("s.csv", 'id\n"two\n""lines"""\na\u2028b\n', ['two\n"lines"', "a\u2028b"]),
        ("s.txt", "a\u2028b\r\n", ["a\u2028b"]),
        ("s.csv", "007", ["007"]),
    ],
)
def test_the_forms_of_the_file(tmp_path: Path, name: str, text: str, ids: list[str]) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    assert read_dropped(path, SAMPLES).ids == ids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\n7\n007\n8\n", "names 2 of 3 ids that no training sample has, the first is '7'"),
        ("name,score\n007,1\n", "has no column 'id', only name, score"),
        ("id,score\n", "names no sample"),
        ("", "names no sample"),
        ("\udcff", "cannot read drop = "),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=message):
        read_dropped(path, SAMPLES)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read drop = .*No such file"):
        read_dropped(tmp_path / "none.csv", SAMPLES)


def test_a_unit_is_dropped_if_all_its_samples_are() -> None:
    assert dropped_units(SAMPLES, ["view 1"]) == set()
    assert dropped_units(SAMPLES, ["view 1", "view 2", "007"]) == {"patient", "007"}
    assert [s.id for s in without_dropped(SAMPLES[:3], ["007", "x"])] == ["a/b.png", "plain id"]


def test_a_fold_reads_what_the_run_has_written(tmp_path: Path) -> None:
    path, folder = tmp_path / "s.txt", tmp_path / "reader"
    path.write_text("007\n")
    assert trained(SAMPLES, None, folder) == SAMPLES
    with pytest.raises(RunError, match="would train: resume the run"):
        trained(SAMPLES, path, folder)
    dropped = read_dropped(path, SAMPLES)
    write_pointer(folder, dropped)
    path.write_text("a,b\n")
    assert read_pointer(folder) == dropped
    assert trained(SAMPLES, path, folder) == SAMPLES[1:]
    (folder / "dropped.json").write_text('{"ids": 3}')
    with pytest.raises(RunError, match="is damaged"):
        read_pointer(folder)
