"""Groups of pairs of images, in their names and of their targets."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.groups import group_keys
from comp.tasks.image_pairs import image_pairs
from comp.tasks.pair_groups import joined_groups

PATTERN = r"^(patient[0-9]+)_"


def slices(root: Path, targets: Mapping[str, int | None]) -> None:
    """Pairs by name; equal numbers are equal targets, and None is a blank one."""
    for number, (name, content) in enumerate(targets.items()):
        for folder, seed in (("train", 100 + number), ("train_cleaned", content)):
            pixels = np.random.default_rng(seed).integers(0, 256, (9, 9)) if seed else np.ones(81)
            path = root / folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), pixels.reshape(9, 9).astype(np.uint8))


def made(**fields: Any) -> Competition:
    return image_pairs(name="x", title="X", kaggle="competitions/x", **fields)


def groups(root: Path, pattern: str | None) -> dict[str, str]:
    """The key of each pair: equal for those that are in the same fold."""
    listed = pickle.loads(pickle.dumps(made(group_pattern=pattern))).samples(root, "train")  # noqa: S301
    return dict(zip((sample.id for sample in listed), group_keys(listed), strict=True))


def test_slices_of_a_patient_are_one_group(tmp_path: Path) -> None:
    """They have different targets, and were in several folds."""
    slices(tmp_path, {f"patient{i // 3}_{i % 3}": i + 1 for i in range(12)})
    assert len(set(groups(tmp_path, None).values())) == 12
    found = groups(tmp_path, PATTERN)
    assert found == {name: f"group {name.partition('_')[0]}" for name in found}
    assert made(group_pattern=PATTERN).group == "group of files"


def test_pairs_of_the_same_target_stay_together(tmp_path: Path) -> None:
    targets = {"patient1_0": 1, "patient1_1": 2, "patient2_0": 2, "patient2_1": 3, "patient3_0": 4}
    slices(tmp_path, targets | {"copy": 3, "other": 5, "another": 5})
    found = groups(tmp_path, PATTERN)
    same = ("patient1_0", "patient1_1", "patient2_0", "patient2_1", "copy")
    assert {found[name] for name in same} == {"group patient1"}
    assert found["patient3_0"] == "group patient3"
    assert found["other"] == found["another"]
    assert len(set(found.values())) == 3


def test_blank_targets_join_no_patients(tmp_path: Path) -> None:
    """All patients with a blank slice would be one group."""
    names = {f"patient{i}_{k}": 10 * i + k or None for i in range(6) for k in range(2)}
    slices(tmp_path, {name: content if "_1" in name else None for name, content in names.items()})
    assert len(set(groups(tmp_path, PATTERN).values())) == 6


def test_a_pattern_with_a_slash_is_for_paths_and_the_test_has_groups_too(tmp_path: Path) -> None:
    slices(tmp_path, {f"p{i // 2}/{i}": i + 1 for i in range(6)})
    found = groups(tmp_path, r"train/(p[0-9]+)/")
    assert sorted(set(found.values())) == ["group p0", "group p1", "group p2"]
    (tmp_path / "train").rename(tmp_path / "test")
    competition = made(group_pattern=r"/(p[0-9]+)/", sample_submission=None, rows=dict)
    assert {s.group for s in competition.samples(tmp_path, "test")} == {"p0", "p1", "p2"}


def test_groups_of_the_plugins_own_samples_are_joined(tmp_path: Path) -> None:
    def own(_root: Path, _split: str) -> list[Sample]:
        return [
            Sample(id=name, image=tmp_path / f"{name}.png", group=group)
            for name, group in (("patient1_0", "a"), ("patient2_0", "a"), ("patient3_0", None))
        ]

    found = made(group_pattern=PATTERN, samples=own).samples(tmp_path, "train")
    assert [sample.group for sample in found] == ["patient1", "patient1", "patient3"]


@pytest.mark.parametrize(
    ("pattern", "words"), [("^patient", "has 0 groups"), ("(", "is not a regular expression")]
)
def test_a_pattern_without_groups_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        made(group_pattern=pattern)


def test_groups_are_joined_over_chains() -> None:
    count = 5000
    first = [f"a{i // 2}" for i in range(count)]
    second = [f"b{(i + 1) // 2}" for i in range(count)]
    for step in (1, -1):
        assert len(set(joined_groups(first[::step], second[::step]))) == 1
    assert joined_groups(["a", None, None, "c"], [None, "x", None, "x"]) == ["a", "c", None, "c"]
