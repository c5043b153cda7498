"""Folds of the author of the data, or of a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from comp.contract.sample import Sample
from comp.data.given_folds import own_folds, read_given_folds
from comp.errors import FoldError

SAMPLES = [
    Sample(id=f"s{i}", image=Path("x.png"), group=f"g{i // 2}", fold=i // 2 % 3) for i in range(12)
]
FOLDS = {f"s{i}": i // 2 % 3 for i in range(12)}


def write(path: Path, folds: dict[str, int]) -> Path:
    path.write_text("id,fold,group\n" + "".join(f"{i},{f},\n" for i, f in folds.items()))
    return path


def test_samples_without_folds_have_none() -> None:
    assert own_folds([replace(s, fold=None) for s in SAMPLES], 3, "auto", "group") is None


def test_folds_of_the_samples_are_used_as_they_are() -> None:
    assert own_folds(SAMPLES, 3, "auto", "group") == FOLDS


def test_folds_of_some_samples_only_are_refused() -> None:
    samples = [*SAMPLES[:10], *(replace(s, fold=None) for s in SAMPLES[10:])]
    with pytest.raises(
        FoldError, match=r"10 samples have a fold of their own and 2 do not, .*'s10'"
    ):
        own_folds(samples, 3, "auto", "group")


def test_a_scheme_and_folds_of_the_samples_contradict_each_other() -> None:
    with pytest.raises(FoldError, match="scheme = grouped, but the samples have folds"):
        own_folds(SAMPLES, 3, "grouped", "group")


@pytest.mark.parametrize(
    ("folds", "k", "message"),
    [
        ({"s0": 1}, 3, r"splits patient 'g0': 's0' is in fold 1 and 's1' in fold 0"),
        ({}, 5, r"folds = 5, but the data has 3 folds: use --folds 3"),
        ({f"s{i}": 4 for i in range(2)}, 4, r"has the folds 0, 1, 2, 4: number them from 0"),
        ({name: fold + 1 for name, fold in FOLDS.items()}, 3, r"has the folds 1, 2, 3: number"),
        (dict.fromkeys(FOLDS, 0), 3, r"has only 1 fold"),
        ({"s0": -1, "s1": -1}, 3, r"has the folds -1, 0, 1, 2: number them from 0"),
    ],
)
def test_folds_that_do_not_work_are_refused(folds: dict[str, int], k: int, message: str) -> None:
    samples = [replace(s, fold=folds.get(s.id, s.fold)) for s in SAMPLES]
    with pytest.raises(FoldError, match=message):
        own_folds(samples, k, "auto", "patient")


def test_units_are_not_split_either() -> None:
    samples = [
        replace(s, group=None, unit="u" if i in (0, 2) else None) for i, s in enumerate(SAMPLES)
    ]
    with pytest.raises(FoldError, match="splits unit 'u': 's0' is in fold 0 and 's2' in fold 1"):
        own_folds(samples, 3, "auto", "patient")


def test_a_file_gives_the_folds(tmp_path: Path) -> None:
    path = write(tmp_path / "folds.csv", dict(reversed(FOLDS.items())) | {"external-1/x": -1})
    assert read_given_folds(path, SAMPLES, 3, "group") == FOLDS
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_given_folds(path, SAMPLES, 3, "group") == FOLDS


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ({name: f for name, f in FOLDS.items() if name > "s1"}, "no fold for 2 samples, .* 's0'"),
        (FOLDS | {"s0": -1}, "no fold for 1 samples, the first is 's0'"),
        (FOLDS | {"t1": 0, "t2": 0}, "has 2 ids that are not in the data, the first is 't1'"),
        (FOLDS | {"s0": 2}, r"folds_csv = .*folds\.csv splits group 'g0'"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, folds: dict[str, int], message: str
) -> None:
    with pytest.raises(FoldError, match=message):
        read_given_folds(write(tmp_path / "folds.csv", folds), SAMPLES, 3, "group")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read folds_csv = .* \\(No such file or directory\\)"),
        (b"\xff\xfe\xff", "cannot read folds_csv"),
        (b"", "has no column 'id'"),
        (b"id;fold\ns0;1\n", "has no column 'id'"),
        (b"id,part\ns0,1\n", "has no column 'fold'"),
        (b"id,fold\ns0,one\n", "the fold of 's0' is 'one'"),
        (b"id,fold\ns0,1.5\n", "the fold of 's0' is '1.5'"),
        (b"id,fold\ns0\n", "the fold of 's0' is ''"),
        (b"id,fold\ns0,1\ns0,2\n", "has two folds for 's0'"),
    ],
)
def test_a_file_that_is_no_table_of_folds_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "folds.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FoldError, match=message):
        read_given_folds(path, SAMPLES, 3, "group")
