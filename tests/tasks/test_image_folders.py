"""Competitions whose classes are names of folders, or parts of file names."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.contract.competition import Competition
from comp.errors import CompetitionError, DataError
from comp.submission.blank import check_rows
from comp.tasks.binary import binary
from comp.tasks.image_folders import image_folders
from comp.tasks.multiclass import multiclass
from comp.tasks.regression import regression
from tests.fakes.layouts import image, images

NAMES: dict[str, Any] = {"name": "x", "title": "X", "kaggle": "competitions/x"}


def competition(**fields: Any) -> Competition:
    """A competition of cats and dogs."""
    return image_folders(**NAMES | {"task": binary(("cat", "dog"))} | fields)


def draw(root: Path) -> None:
    """train/CLASS, val/CLASS, test/CLASS."""
    for label in ("cat", "dog"):
        images(root / "train" / label, [f"p{i // 2}_{i}" for i in range(4)])
        images(root / "val" / label, [f"p9_{i}" for i in range(2)])
        images(root / "test" / label, [f"{label}{i}" for i in range(2)])


def test_class_is_the_folder_and_group_is_in_the_name(tmp_path: Path) -> None:
    draw(tmp_path)
    found = competition(train=("train", "val"), group_pattern=r"^(p\d+)_")
    samples = found.samples(tmp_path, "train")
    assert [(s.id, s.target, s.stratum, s.group) for s in samples][3:6] == [
        ("train/cat/p1_3.png", 0.0, "cat", "p1"),
        ("train/dog/p0_0.png", 1.0, "dog", "p0"),
        ("train/dog/p0_1.png", 1.0, "dog", "p0"),
    ]
    assert len(samples) == 12
    assert found.group


def test_test_images_in_class_folders_are_graded(tmp_path: Path) -> None:
    draw(tmp_path)
    found = competition(columns=("probability",))
    test = found.samples(tmp_path, "test")
    assert [sample.id for sample in test] == [
        "cat/cat0.png", "cat/cat1.png", "dog/dog0.png", "dog/dog1.png",
    ]  # fmt: skip
    assert found.test_labels is not None
    assert list(found.test_labels(tmp_path).values()) == [0.0, 0.0, 1.0, 1.0]
    check_rows(found, tmp_path, test)


def test_test_images_without_class_folders_cannot_be_graded(tmp_path: Path) -> None:
    draw(tmp_path)
    images(tmp_path / "new", ["a", "b"])
    found = competition(test_images="new")
    assert found.test_labels is not None
    with pytest.raises(DataError, match="has no folders of classes"):
        found.test_labels(tmp_path)


def test_a_test_image_has_the_class_of_the_first_folder_that_is_one(tmp_path: Path) -> None:
    """Images deeper in the folder of a class, and those of other folders, were left out."""
    draw(tmp_path)
    image(tmp_path / "test" / "dog" / "part2" / "5.png", 5)
    image(tmp_path / "test" / "loose.png", 6)
    found = competition()
    assert found.test_labels is not None
    labels = found.test_labels(tmp_path)
    assert labels["dog/part2/5.png"] == 1.0
    assert list(labels.values()) == [0.0, 0.0, 1.0, 1.0, 1.0]
    image(tmp_path / "test" / "site" / "cat" / "8.png", 8)
    assert found.test_labels(tmp_path)["site/cat/8.png"] == 0.0
    image(tmp_path / "test" / "dogs" / "part" / "7.png", 7)
    with pytest.raises(CompetitionError, match=r"test has images in 'dogs', which is not one of"):
        found.test_labels(tmp_path)


def test_class_in_the_file_name(tmp_path: Path) -> None:
    images(tmp_path / "train", [f"{label}.{i}" for label in ("cat", "dog") for i in range(3)])
    found = competition(class_pattern=r"^(cat|dog)[.]")
    targets = [sample.target for sample in found.samples(tmp_path, "train")]
    assert targets == [0.0] * 3 + [1.0] * 3
    image(tmp_path / "train" / "cow.1.png")
    with pytest.raises(DataError, match="has no class"):
        found.samples(tmp_path, "train")


def test_a_folder_that_is_not_a_class_is_refused(tmp_path: Path) -> None:
    draw(tmp_path)
    image(tmp_path / "train" / "cow" / "1.png")
    with pytest.raises(DataError, match="'cow' is not one of the classes"):
        competition().samples(tmp_path, "train")


def test_a_class_without_images_is_refused(tmp_path: Path) -> None:
    images(tmp_path / "train" / "cat", range(3))
    with pytest.raises(DataError, match="no images of the class 'dog'"):
        competition().samples(tmp_path, "train")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"train": ("train", "val"), "task": multiclass(("a", "b", "c"))},
        {"class_pattern": r"^(cat|dog)[.]", "sample_submission": "sample.csv"},
        {"train": ".", "columns": ("is_dog",), "metric": "log-loss"},
        {"task": multiclass(("a", "b", "c")), "submit": "probabilities",
         "sample_submission": "s.csv"},
    ],
)  # fmt: skip
def test_synthetic_data_fits(fields: dict[str, Any], tmp_path: Path) -> None:
    found = competition(**fields)
    found.draw_synthetic(tmp_path, np.random.default_rng(0))
    train, test = found.samples(tmp_path, "train"), found.samples(tmp_path, "test")
    assert {sample.stratum for sample in train} == set(found.task.labels)
    assert all((tmp_path / name).exists() for name in found.layout)
    check_rows(found, tmp_path, test)
    pickle.dumps(found)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"task": regression(("age",))}, "use image_table"),
        ({"class_pattern": "cat|dog"}, "in parentheses"),
        ({"class_pattern": "(cat)(dog)"}, "in parentheses"),
        ({"group_pattern": "(p"}, "not a regular expression"),
        ({"train": ()}, "train is empty"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        competition(**fields)


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="did you mean 'test_images'"):
        competition(test_image="test")
