"""Pairs of copies: their kinds, and the worst first."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from toys import toy

from comp.contract.sample import Sample, Split
from comp.data.audit.inspection import inspect_images
from comp.data.synthetic_images import stripes
from comp.exploration.copies import Copies, find_copies
from comp.exploration.subjects import Subjects


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    """Two images, a copy of the first with other bytes, and the second mirrored."""
    rng, made = np.random.default_rng(0), {}
    pixels = {"a": stripes(rng, 0, 3), "b": stripes(rng, 2, 3)}
    pixels["copy of a"] = pixels["a"]
    pixels["b, mirrored"] = np.ascontiguousarray(pixels["b"][:, ::-1])
    for name, image in pixels.items():
        made[name] = tmp_path / f"{name}.{'bmp' if name == 'copy of a' else 'png'}"
        cv2.imwrite(str(made[name]), image)
    return made


def copies_of(
    images: dict[str, Path], splits: dict[str, Split], targets: dict[str, float], group: str | None
) -> Copies:
    samples = [
        Sample(id=name, image=path, target=targets.get(name), group=group)
        for name, path in images.items()
    ]
    subjects = Subjects(
        competition=toy(classes=("cat", "dog")),
        samples=samples,
        splits=[splits.get(name, "train") for name in images],
        classes=[()] * len(samples),
    )
    inspections = {i.path: i for i in inspect_images(list(images.values()))}
    return find_copies(subjects, inspections)


def test_the_worst_pair_is_the_first(images: dict[str, Path]) -> None:
    found = copies_of(images, {"b, mirrored": "test"}, {"a": 0, "copy of a": 1, "b": 1}, None)
    assert (found.images, found.identical, found.near) == (4, 1, 1)
    leak, other = found.pairs
    assert (leak.first.id, leak.second.id, leak.kind, leak.leak) == (
        "b",
        "b, mirrored",
        "near",
        True,
    )
    assert leak.similarity > 0.98
    assert (other.first.id, other.second.id, other.similarity) == ("a", "copy of a", 1.0)
    assert other.other_label
    assert other.apart
    assert not leak.other_label


def test_copies_of_one_group_with_one_label_are_harmless(images: dict[str, Path]) -> None:
    found = copies_of(images, {}, dict.fromkeys(images, 1.0), "one patient")
    assert (found.identical, found.near) == (1, 1)
    assert (found.leaks, found.other_label, found.apart) == (0, 0, 0)


def test_different_images_are_no_copies(images: dict[str, Path]) -> None:
    found = copies_of({name: images[name] for name in ("a", "b")}, {}, {}, None)
    assert (found.images, found.pairs) == (2, [])
