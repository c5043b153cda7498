"""What is wrong with samples, without opening an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Task
from comp.data.audit.findings import Finding, errors, findings_of, worst_first
from comp.data.audit.sample_checks import (
    check_classes,
    check_missing_groups,
    quick_checks,
    sample_files,
)
from competitions.chest_xray import COMPETITION as CHEST
from competitions.denoising import COMPETITION as DENOISING


@pytest.fixture
def train(tmp_path: Path) -> list[Sample]:
    """Twelve samples of two classes; every file is there."""
    made = []
    for i in range(12):
        path = tmp_path / f"{i}.png"
        path.write_bytes(b"bytes")
        name = CHEST.task.labels[i % 2]
        made.append(Sample(id=f"s{i}", image=path, target=float(i % 2), stratum=name))
    return made


def by_kind(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.kind: finding for finding in findings}


def test_nothing_is_said_of_sound_samples(train: list[Sample]) -> None:
    assert quick_checks(CHEST, train, [replace(s, target=None) for s in train]) == []


def test_every_fault_is_found_at_once(train: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "3.png").write_bytes(b"")
    (tmp_path / "4.png").unlink()
    train[5] = replace(train[5], target=None)
    train[6] = replace(train[6], target=2.0)
    train[7] = replace(train[7], target=float("nan"))
    train[9] = replace(train[9], id="s8")
    kinds = by_kind(quick_checks(CHEST, train, [train[0], train[0]]))
    assert set(kinds) == {"duplicate-id", "empty-file", "missing-file", "no-label", "bad-label"}
    assert kinds["empty-file"].names == (str(tmp_path / "3.png"),)
    assert kinds["missing-file"].names == (str(tmp_path / "4.png"),)
    assert kinds["no-label"].names == ("s5",)
    assert kinds["bad-label"].names == ("s6 (2.0)", "s7 (nan)")
    assert all(finding.severity == "error" for finding in kinds.values())


def test_the_same_id_in_train_and_test_is_no_fault(train: list[Sample]) -> None:
    assert quick_checks(CHEST, train, train[:3]) == []
    twice = quick_checks(CHEST, train, [train[0], train[0]])
    assert [(f.kind, f.names) for f in twice] == [("duplicate-id", ("s0 (2 times)",))]


def test_target_images_are_files_too(train: list[Sample], tmp_path: Path) -> None:
    pages = [Sample(id=s.id, image=s.image, target=s.image.with_suffix(".tif")) for s in train]
    assert sample_files(pages)[:2] == [tmp_path / "0.png", tmp_path / "0.tif"]
    (lost,) = quick_checks(DENOISING, pages, [])
    assert (lost.kind, lost.count) == ("missing-file", 12)
    (lone,) = quick_checks(DENOISING, [replace(pages[0], target=None)], [])
    assert lone.words == "training samples without a target image"


def of_task(**fields: Any) -> Competition:
    losses: Any = {"losses": ("own",), "make_loss": lambda *_: None}
    return replace(CHEST, task=Task(kind="a test", **losses | fields))


def test_the_task_says_what_is_wrong_with_a_target(train: list[Sample]) -> None:
    free = of_task(check=lambda target: "" if target == 12.5 else "is not 12.5", labels=("mm",))
    train = [replace(s, target=12.5, stratum=None) for s in train]
    assert quick_checks(free, train, []) == []
    assert check_classes(free, train, 5, True) == []
    train[1] = replace(train[1], target=(0.25,) * 400)
    (odd,) = quick_checks(free, train, [])
    assert odd.words == "training samples with a label that is not 12.5"
    assert len(odd.names[0]) < 100


def test_different_problems_are_named_with_their_samples(train: list[Sample]) -> None:
    strict = of_task(check=lambda target: f"is {target} and not 2")
    (odd,) = quick_checks(strict, train[:2], [])
    assert odd.words == "training samples with a label that is invalid"
    assert odd.names == ("s0 (0.0: is 0.0 and not 2)", "s1 (1.0: is 1.0 and not 2)")


@pytest.mark.parametrize("kind", [int, float, bool, np.int64, np.uint8, np.float32, np.float64])
def test_numbers_of_any_type_are_labels(train: list[Sample], kind: type) -> None:
    train = [replace(s, target=kind(s.target), stratum=None) for s in train]
    assert quick_checks(CHEST, train, []) == []
    (note,) = check_classes(CHEST, train, 5, True)
    assert note.names == ("NORMAL = label 0: 6 (50.0%)", "PNEUMONIA = label 1: 6 (50.0%)")
    (bad,) = quick_checks(CHEST, [replace(train[0], target=kind(1) + kind(2))], [])
    assert bad.kind == "bad-label"


SEVERAL = of_task(
    labels=("a", "b", "c"),
    label_names=lambda target: tuple("abc"[i] for i, value in enumerate(target) if value),
)


def test_a_sample_counts_for_each_of_its_labels(train: list[Sample]) -> None:
    rows = [(1.0, i % 2, 0.0) for i in range(12)]
    train = [replace(s, target=row, stratum=None) for s, row in zip(train, rows, strict=True)]
    kinds = by_kind(check_classes(SEVERAL, train, 7, False))
    assert kinds["classes"].names == ("a: 12 (100.0%)", "b: 6 (50.0%)")
    assert kinds["empty-class"].names == ("c",)
    assert kinds["small-class"].names == ("b (6)",)
    assert "one-class" not in kinds


def test_samples_without_any_label_are_no_single_class(train: list[Sample]) -> None:
    train = [replace(s, target=(0.0, 0.0, 0.0), stratum=None) for s in train]
    kinds = by_kind(check_classes(SEVERAL, train, 5, False))
    assert set(kinds) == {"empty-class"}
    assert kinds["empty-class"].names == ("a", "b", "c")


def test_samples_that_only_train_are_no_members_of_folds(train: list[Sample]) -> None:
    train = [replace(s, train_only=i > 7) for i, s in enumerate(train)]
    kinds = by_kind(check_classes(CHEST, train, 5, True))
    assert kinds["small-class"].names == ("NORMAL (4)", "PNEUMONIA (4)")
    normal, pneumonia = kinds["classes"].names
    assert normal == "NORMAL = label 0: 6 (50.0%)"
    assert pneumonia == "PNEUMONIA = label 1: 6 (50.0%)"


def test_the_balance_of_classes_is_a_note(train: list[Sample]) -> None:
    (note,) = check_classes(CHEST, train[:9], 4, True)
    assert (note.kind, note.severity) == ("classes", "note")
    assert note.names == ("NORMAL = label 0: 5 (55.6%)", "PNEUMONIA = label 1: 4 (44.4%)")


def test_a_group_counts_once_for_the_folds(train: list[Sample]) -> None:
    grouped = [replace(s, group="g" if s.target else None) for s in train]
    kinds = by_kind(check_classes(CHEST, grouped, 5, True))
    assert kinds["small-class"].names == ("PNEUMONIA (1)",)
    assert "fewer members than folds (5)" in kinds["small-class"].words
    assert "small-class" not in by_kind(check_classes(CHEST, train, 6, True))
    assert by_kind(check_classes(CHEST, train, 7, True))["small-class"].severity == "error"
    assert by_kind(check_classes(CHEST, train, 7, False))["small-class"].severity == "warning"


def test_samples_of_no_group_are_a_warning_where_there_are_groups(train: list[Sample]) -> None:
    train = [replace(s, group="p" if i < 9 else None) for i, s in enumerate(train)]
    (lone,) = check_missing_groups(CHEST, train)
    assert (lone.kind, lone.severity, lone.names) == ("no-group", "warning", ("s9", "s10", "s11"))
    assert "without a known patient" in lone.words
    assert check_missing_groups(CHEST, train[:9]) == []
    assert check_missing_groups(replace(CHEST, group=None), train) == []


def test_one_class_only_is_an_error(train: list[Sample]) -> None:
    kinds = by_kind(check_classes(CHEST, train[::2], 5, True))
    assert kinds["one-class"].names == ("NORMAL",)
    assert kinds["one-class"].severity == "error"
    assert kinds["empty-class"].names == ("PNEUMONIA",)


def test_findings_name_and_count_all() -> None:
    (many,) = findings_of("x", "note", (str(i) for i in range(40)), "words")
    assert (many.count, many.names) == (40, tuple(str(i) for i in range(40)))
    assert findings_of("x", "note", [], "words") == []
    (bad,) = findings_of("y", "error", ["a"], "words")
    assert worst_first([many, bad]) == [bad, many]
    assert errors([many, bad]) == [bad]
