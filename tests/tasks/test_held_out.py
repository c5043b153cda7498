"""Data without a test set, of which a part is held out."""

from __future__ import annotations

import pickle
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.errors import DataError
from comp.submission.blank import check_rows
from comp.tasks.binary import binary
from comp.tasks.held_out import HeldOut
from comp.tasks.image_folders import image_folders
from comp.tasks.image_table import image_table
from comp.tasks.segmenter import segmenter
from tests.fakes.layouts import csv, images, mask

NAMES: dict[str, Any] = {"name": "x", "title": "X", "kaggle": "datasets/x/y"}
GIVEN: dict[str, Any] = NAMES | {"sample_submission": None, "test_share": 0.2}


def ids(competition: Competition, root: Path) -> tuple[list[str], list[str]]:
    """Of the training and the test set."""
    train, test = competition.samples(root, "train"), competition.samples(root, "test")
    return [s.id for s in train], [s.id for s in test]


def test_a_fifth_of_each_class_is_held_out_and_graded(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        images(tmp_path / label, range(20))
    found = image_folders(**GIVEN, train=".", task=binary(("cat", "dog")))
    train, test = ids(found, tmp_path)
    assert len(train) == 32
    assert sorted(name.partition("/")[0] for name in test) == ["cat"] * 4 + ["dog"] * 4
    assert not set(train) & set(test)
    assert found.test_labels is not None
    assert found.test_labels(tmp_path) == {n: float(n.startswith("dog")) for n in test}
    assert {s.target for s in found.samples(tmp_path, "test")} == {None}
    assert "test" not in found.layout
    check_rows(found, tmp_path, found.samples(tmp_path, "test"))
    assert ids(pickle.loads(pickle.dumps(found)), tmp_path) == (train, test)  # noqa: S301


def test_groups_in_names_are_held_out_whole(tmp_path: Path) -> None:
    names = [f"{i // 2}_{'lr'[i % 2]}" for i in range(40)]
    images(tmp_path / "all", names)
    csv(tmp_path / "train.csv", "id,label", [[n, i // 2 % 2] for i, n in enumerate(names)])
    given: dict[str, Any] = GIVEN | {"images": "all", "task": binary(("0", "1"))}
    found = image_table(**given, group_pattern=r"^([0-9]+)_")
    train, test = ids(found, tmp_path)
    assert len(test) == 8
    assert not {n.partition("_")[0] for n in train} & {n.partition("_")[0] for n in test}
    assert {s.group for s in found.samples(tmp_path, "test")} == {n[:-2] for n in test}
    assert found.group
    with pytest.raises(ValueError, match="either group_column or group_pattern"):
        image_table(**given, group_pattern="(a)", group_column="id")
    with pytest.raises(ValueError, match="put the group in parentheses"):
        image_table(**given, group_pattern="a")


def test_the_last_samples_are_held_out_if_they_have_times(tmp_path: Path) -> None:
    images(tmp_path / "train", [f"a{i}" for i in range(10)])
    csv(tmp_path / "train.csv", "id,label,day", [[f"a{i}", i % 2, 90 - i] for i in range(10)])
    found = image_table(**GIVEN, task=binary(("0", "1")), time_column="day")
    assert ids(found, tmp_path)[1] == ["a0", "a1"]


def test_masks_are_held_out(tmp_path: Path) -> None:
    images(tmp_path / "images", [f"a{i}" for i in range(10)])
    for i in range(10):
        mask(tmp_path / "masks" / f"a{i}.png")
    found = segmenter(**GIVEN, images="images", masks="masks", table=None)
    train, test = ids(found, tmp_path)
    assert (len(train), len(test)) == (8, 2)
    assert found.layout == ("images", "masks")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"test_share": 0.7}, "above 0 and up to 0.5"),
        ({"sample_submission": "sample.csv"}, "leave test_share out"),
    ],
)
def test_a_share_that_does_not_fit_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        image_table(**GIVEN | fields, task=binary(("a", "b")))


def test_a_class_with_few_samples_stays_in_training(tmp_path: Path) -> None:
    images(tmp_path / "a", range(2))
    images(tmp_path / "b", range(10))
    found = image_folders(**NAMES, train=".", task=binary(("a", "b")))
    held_out = HeldOut(found.samples, 0.2)
    test = held_out.samples(tmp_path, "test")
    assert [s.id[0] for s in test] == ["b", "b"]
    assert held_out.samples(tmp_path, "train")[0] == replace(found.samples(tmp_path, "train")[0])


def drawn(count: int, **fields: Any) -> list[Sample]:
    """Samples s0, s1, ..., whose fields follow from their numbers."""
    return [Sample(id=f"s{i}", **{n: f(i) for n, f in fields.items()}) for i in range(count)]


@pytest.mark.parametrize("count", [1, 2, 7, 10, 40, 1001])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.35, 0.4, 0.45, 0.5])
def test_any_share_of_the_samples_is_held_out(share: float, count: int) -> None:
    """0.4 and 0.45 held out a half, 0.3 and 0.35 a third."""
    held_out = HeldOut(lambda _root, _split: drawn(count), share)
    test = {sample.id for sample in held_out.samples(Path(), "test")}
    assert abs(len(test) - share * count) <= 0.75
    step = round(1 / share)
    if share == 1 / step:  # the samples of earlier versions
        names = [sample.id for sample in drawn(count)]
        names.sort(key=lambda name: sha256(f"id {name}".encode()).digest())
        assert test == set(names[step // 2 :: step])


def test_the_groups_that_end_last_are_held_out_whole() -> None:
    """The last samples were cut off, and their groups were on both sides."""
    listed = drawn(100, group=lambda i: f"g{i % 50 // 2}", time=float)
    test = HeldOut(lambda _root, _split: listed, 0.2).samples(Path(), "test")
    train = HeldOut(lambda _root, _split: listed, 0.2).samples(Path(), "train")
    assert {sample.group for sample in test} == {f"g{i}" for i in range(20, 25)}
    assert not {sample.group for sample in train} & {sample.group for sample in test}
    assert (len(train), len(test)) == (80, 20)
    everywhere = drawn(100, group=lambda i: f"g{i % 5}", time=lambda i: float(i // 5))
    with pytest.raises(DataError, match=r"test_share = 0\.2 would hold out 100 of 100 samples"):
        HeldOut(lambda _root, _split: everywhere, 0.2).samples(Path(), "test")


def test_the_images_of_a_unit_are_held_out_together() -> None:
    groups = ["p2", None] * 4 + [None] * 32  # a group that is known of some images only
    listed = [Sample(id=f"{i}", unit=f"u{i // 2}", group=group) for i, group in enumerate(groups)]
    held_out = HeldOut(lambda _root, _split: listed, 0.25)
    train, test = (
        {sample.unit for sample in held_out.samples(Path(), split)} for split in ("train", "test")
    )
    assert len(test) == 7  # those of the group and three others
    assert not train & test


def test_units_that_all_end_at_once_are_not_all_held_out() -> None:
    listed = [Sample(id=f"{i}", unit=f"u{i % 10}", time=i // 10) for i in range(200)]
    with pytest.raises(DataError, match="would hold out 200 of 200 samples"):
        HeldOut(lambda _root, _split: listed, 0.2).samples(Path(), "train")
