"""Leaks among samples whose images were looked at; every one is planted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from comp.contract.sample import Sample
from comp.data.audit.findings import Finding
from comp.data.audit.inspection import inspect_images
from comp.data.audit.leaks import (
    AuditContext,
    check_groups,
    find_identical_images,
    find_near_duplicates,
    find_shared_targets,
)
from comp.data.audit.sample_checks import sample_files
from comp.data.groups import NEVER
from comp.data.images.decode import write_image
from competitions.chest_xray import COMPETITION as CHEST
from competitions.chest_xray.synthetic_radiographs import Anatomy, draw_radiograph


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Radiographs of six patients."""
    folder, rng = tmp_path_factory.mktemp("drawn"), np.random.default_rng(3)
    paths = [folder / f"{i}.png" for i in range(6)]
    for path in paths:
        write_image(path, draw_radiograph(rng, Anatomy.draw(rng), ill=False))
    return paths


def one(
    name: str, path: Path, label: float | Path | None = 0.0, group: str | None = None
) -> Sample:
    return Sample(id=name, image=path, target=label, group=group)


def context(
    train: list[Sample], test: list[Sample], folds: dict[str, int] | None = None
) -> AuditContext:
    inspections = inspect_images(sample_files([*train, *test]))
    return AuditContext(train, test, {look.path: look for look in inspections}, folds)


def kinds(findings: list[Finding]) -> dict[str, tuple[str, ...]]:
    return {finding.kind: finding.names for finding in findings}


def test_different_images_are_no_leak(drawn: list[Path]) -> None:
    sound = context([one("a", drawn[0]), one("b", drawn[1])], [one("c", drawn[2], None)])
    assert [
        *find_identical_images(sound),
        *find_near_duplicates(sound),
        *find_shared_targets(sound),
        *check_groups(CHEST, sound),
    ] == []


def test_a_test_image_in_train_is_an_error_in_any_format(drawn: list[Path], tmp_path: Path) -> None:
    write_image(tmp_path / "copy.bmp", cv2.imread(str(drawn[2]), cv2.IMREAD_GRAYSCALE))
    held = context(
        [one("a", drawn[0]), one("b", tmp_path / "copy.bmp")], [one("c", drawn[2], None)]
    )
    (leak,) = find_identical_images(held)
    assert (leak.kind, leak.severity, leak.names) == (
        "test-in-train",
        "error",
        ("test c = train b",),
    )
    assert find_near_duplicates(held) == []


def test_a_test_image_that_is_a_target_image_is_an_error(drawn: list[Path]) -> None:
    held = context([one("a", drawn[0], drawn[1])], [one("c", drawn[1], None)])
    assert kinds(find_identical_images(held)) == {
        "test-in-train": ("test c = train the target image of a",)
    }


def test_identical_images_with_other_labels_are_an_error(drawn: list[Path]) -> None:
    held = context([one("a", drawn[0], 0.0, "g"), one("b", drawn[0], 1.0, "g")], [])
    found = find_identical_images(held)
    assert [(f.kind, f.severity) for f in found] == [
        ("identical-other-label", "error"),
        ("identical-in-group", "note"),
    ]
    assert found[0].names == ("a = b",)


@pytest.mark.parametrize("group", [("p", "q"), (None, None), ("p", None)])
def test_identical_images_that_folds_may_separate_are_a_warning(
    drawn: list[Path], group: tuple[str | None, str | None]
) -> None:
    pair = [one("a", drawn[0], 0.0, group[0]), one("b", drawn[0], 0.0, group[1])]
    (leak,) = find_identical_images(context(pair, [], {"a": 0, "b": 1}))
    assert (leak.kind, leak.severity) == ("identical-other-group", "warning")
    assert leak.words.endswith("the 2 folds of a run separate 1 of these 1 pairs")


def test_identical_images_of_one_group_or_of_test_are_notes(drawn: list[Path]) -> None:
    pair = [one("a", drawn[0], 0.0, "p"), one("b", drawn[0], 0.0, "p")]
    unknown = [one("c", drawn[1], None), one("d", drawn[1], None)]
    found = find_identical_images(context(pair, unknown))
    assert {(f.kind, f.severity) for f in found} == {
        ("identical-in-group", "note"),
        ("identical-in-test", "note"),
    }


def test_a_mirrored_and_re_encoded_copy_is_found(drawn: list[Path], tmp_path: Path) -> None:
    image = cv2.imread(str(drawn[2]), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(tmp_path / "copy.jpg"), image[:, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 70])
    train = [one("a", drawn[0]), one("b", tmp_path / "copy.jpg")]
    held = context(train, [one("c", drawn[2], None)])
    assert find_identical_images(held) == []
    (leak,) = find_near_duplicates(held)
    assert (leak.kind, leak.severity, leak.count) == ("near-in-test", "warning", 1)
    assert leak.names[0].startswith("train b ~ test c, mirrored (")


def test_all_copies_of_a_near_duplicate_are_told(drawn: list[Path], tmp_path: Path) -> None:
    image = cv2.imread(str(drawn[2]), cv2.IMREAD_GRAYSCALE)
    write_image(tmp_path / "small.png", cv2.resize(image, None, fx=0.6, fy=0.6)[::-1, ::-1])
    train = [one("a", drawn[2], 0.0, "p"), one("b", tmp_path / "small.png", 0.0, "q")]
    train.append(one("c", drawn[2], 0.0, "q"))
    test = [one("d", drawn[2], None), one("e", tmp_path / "small.png", None)]
    found = {finding.kind: finding.names for finding in find_near_duplicates(context(train, test))}
    assert {kind: [n.rpartition(",")[0] for n in names] for kind, names in found.items()} == {
        "near-in-test": ["train a ~ test e", "train b ~ test d", "train c ~ test e"],
        "near-other-group": ["a ~ b"],
        "near-in-group": ["b ~ c"],
    }
    assert all(", half turn (" in name for names in found.values() for name in names)


def test_a_crowd_of_near_duplicates_is_told_in_part(drawn: list[Path], tmp_path: Path) -> None:
    image, rng = cv2.imread(str(drawn[2]), cv2.IMREAD_GRAYSCALE), np.random.default_rng(0)
    for i in range(14):
        noisy = image + rng.normal(0, 1, image.shape)
        write_image(tmp_path / f"{i}.png", noisy.clip(0, 255).astype(np.uint8))
    train = [one(f"t{i}", tmp_path / f"{i}.png", 0.0, "p") for i in range(13)]
    across, joined = find_near_duplicates(context(train, [one("u", tmp_path / "13.png", None)]))
    assert (across.kind, across.count) == ("near-in-test", 13)
    assert (joined.kind, joined.count) == ("near-in-group", 2 * 10 + 55)
    assert joined.words.endswith("; at most 10 pairs of an image are listed")


def test_near_duplicates_in_other_groups_are_a_warning_and_in_one_a_note(
    drawn: list[Path], tmp_path: Path
) -> None:
    image = cv2.imread(str(drawn[0]), cv2.IMREAD_GRAYSCALE)
    for i, scale in enumerate((0.6, 1.4)):
        write_image(tmp_path / f"{i}.png", cv2.resize(image, None, fx=scale, fy=scale))
    train = [
        one("a", drawn[0], 0.0, "p"),
        one("b", tmp_path / "0.png", 0.0, "p"),
        one("c", tmp_path / "1.png", 0.0, "q"),
    ]
    found = find_near_duplicates(context(train, [], {"a": 0, "b": 0, "c": 1}))
    assert [(f.kind, f.severity, f.count) for f in found] == [
        ("near-other-group", "warning", 2),
        ("near-in-group", "note", 1),
    ]
    assert "separate 2 of these 2 pairs" in found[0].words


def test_one_target_image_under_several_images(drawn: list[Path]) -> None:
    train = [
        one("a", drawn[0], drawn[5], "p"),
        one("b", drawn[1], drawn[5], "p"),
        one("c", drawn[2], drawn[4], "q"),
    ]
    (note,) = find_shared_targets(context(train, []))
    assert (note.kind, note.severity, note.names) == ("shared-target", "note", ("a, b",))
    train[1] = one("b", drawn[1], drawn[5], "q")
    (leak,) = find_shared_targets(context(train, []))
    assert (leak.kind, leak.severity) == ("target-other-group", "warning")
    assert leak.names == ("a and b",)


def test_a_group_on_both_sides_is_found(drawn: list[Path]) -> None:
    train = [one("a", drawn[0], 0.0, "p"), one("b", drawn[1], 0.0, "p"), one("e", drawn[3])]
    test = [one("c", drawn[2], None, "p"), one("d", drawn[3], None)]
    assert kinds(check_groups(CHEST, context(train, test, {"a": 0, "b": 0, "e": 1}))) == {
        "group-in-both": ("p",)
    }
    split = check_groups(CHEST, context(train, [], {"a": 0, "b": 1, "e": 1}))
    assert [(f.kind, f.severity, f.names) for f in split] == [
        ("group-across-folds", "error", ("p",))
    ]
    assert "a patient in training and in validation" in split[0].words


def test_a_group_of_several_classes_is_a_warning(drawn: list[Path]) -> None:
    train = [Sample(id=str(label), image=drawn[0], target=label, group="p") for label in (0.0, 1.0)]
    assert kinds(check_groups(CHEST, AuditContext(train, [], {}, None))) == {
        "group-of-classes": ("p (NORMAL, PNEUMONIA)",)
    }


def test_a_group_of_samples_with_several_labels_is_no_warning(drawn: list[Path]) -> None:
    task = replace(CHEST.task, label_names=lambda target: tuple("ab"[: int(target)]))
    train = [Sample(id=str(i), image=drawn[0], target=i, group="p") for i in (0, 1, 2)]
    several = replace(CHEST, task=replace(task, check=lambda _target: ""))
    assert check_groups(several, AuditContext(train, [], {}, None)) == []


def test_a_sample_that_only_trains_splits_no_group(drawn: list[Path]) -> None:
    train = [one("a", drawn[0], 0.0, "p"), one("x", drawn[1], 0.0, "p")]
    folds = {"a": 1, "x": NEVER}
    assert check_groups(CHEST, AuditContext(train, [], {}, folds)) == []


def test_images_of_one_unit_are_no_leak(drawn: list[Path]) -> None:
    train = [replace(one(name, drawn[0], 0.0), unit="u") for name in ("a", "b")]
    assert kinds(find_identical_images(context(train, []))) == {"identical-in-group": ("a = b",)}


def test_identical_images_with_labels_of_other_types_are_no_contradiction(
    drawn: list[Path],
) -> None:
    def pair(first: Any, second: Any) -> dict[str, tuple[str, ...]]:
        train = [one("a", drawn[0], first, "g"), one("b", drawn[0], second, "g")]
        return kinds(find_identical_images(context(train, [])))

    assert set(pair((0.0, 1.0), np.array([0, 1]))) == {"identical-in-group"}
    assert "identical-other-label" in pair(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
