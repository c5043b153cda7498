"""Targets that are numbers, and the pictures that masks and pairs make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from toys import toy

from comp.contract.sample import Sample
from comp.exploration.pictures import Pictures
from comp.exploration.subjects import Subjects
from comp.exploration.targets import describe_targets
from comp.runs.progress import Silent
from comp.tasks.regression import regression
from comp.tasks.segmentation import segmentation


def train(task: Any, targets: list[Any], image: Path | None = None) -> Subjects:
    samples = [Sample(id=str(i), image=image, target=t) for i, t in enumerate(targets)]
    return Subjects(
        competition=toy(task),
        samples=samples,
        splits=["train"] * len(samples),
        classes=[()] * len(samples),
    )


class Fake(Pictures):
    """Pictures whose masks are the arrays of a list."""

    def __init__(self, masks: list[np.ndarray]) -> None:
        self._masks = masks

    def masks(self, sample: Sample) -> np.ndarray | None:
        """The mask of the sample with this number."""
        return self._masks[int(sample.id)]


def test_numbers_are_described_by_label() -> None:
    task = regression(("width", "depth"))
    found = describe_targets(train(task, [(0, 1), (0, 2), (4, 6)]), Fake([]), Silent())
    assert found is not None
    assert (found.kind, found.samples) == ("numbers", 3)
    width, depth = found.looks
    assert (width.name, width.summary.high, round(width.empty, 2)) == ("width", 4.0, 0.67)
    assert (depth.name, depth.summary.median, depth.empty) == ("depth", 2.0, 0.0)


def test_masks_are_shares_of_the_pixels(tmp_path: Path) -> None:
    quarter = np.zeros((4, 4, 1), np.float32)
    quarter[:2, :2] = 1
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    pictures = Fake([quarter, np.zeros((4, 4, 1), np.float32)])
    found = describe_targets(train(segmentation(("salt",)), paths), pictures, Silent())
    assert found is not None
    (salt,) = found.looks
    assert (found.kind, salt.name, salt.summary.high, salt.empty) == ("masks", "salt", 0.25, 0.5)


def test_image_targets_are_distances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, target = tmp_path / "image.png", tmp_path / "target.png"
    cv2.imwrite(str(image), np.full((8, 8), 100, np.uint8))
    cv2.imwrite(str(target), np.full((8, 8), 130, np.uint8))
    read = {image: 100, target: 130}
    monkeypatch.setattr(Fake, "image", lambda _, s: np.full((8, 8), read[s.image], np.uint8))
    monkeypatch.setattr(Fake, "target", lambda _, s: np.full((8, 8), read[s.target], np.uint8))
    found = describe_targets(train(None, [target], image), Fake([]), Silent())
    assert found is not None
    assert (found.kind, found.looks[0].summary.mean) == ("images", 30.0)


def test_unknown_targets_are_not_described() -> None:
    assert describe_targets(train(regression(("a",)), [None]), Fake([]), Silent()) is None
