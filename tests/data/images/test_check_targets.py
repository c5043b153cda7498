"""Target images whose values fit no class are found before any training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from comp.contract.sample import Item, Sample
from comp.data.images.check_targets import check_target_images
from comp.errors import DataError
from comp.tasks.image_to_image import image_to_image

SAMPLES = [Sample(id=str(i), image=Path(), target=Path(str(i))) for i in range(6)]
TASK = replace(
    image_to_image(), check_image=lambda mask: "" if mask.max() <= 1 else f"has {mask.max()}"
)


def read(sample: Sample) -> Item:
    """Sample 4 has a 7, sample 5 a target of another size, sample 3 none."""
    number = int(sample.id)
    target = np.full((3, 2 if number == 5 else 4, 1), 7 if number == 4 else 1, np.uint8)
    item = {"image": np.zeros((3, 4, 3), np.uint8), "target": target}
    return item if number != 3 else {"image": item["image"]}


def test_targets_that_fit_are_counted() -> None:
    counts: list[tuple[int, int]] = []
    check_target_images(TASK, SAMPLES[:3], read, lambda done, total: counts.append((done, total)))
    assert counts == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (SAMPLES[:3] + SAMPLES[4:5], "image of 4 has 7$"),
        (SAMPLES[5:], r"image of 5 has another size than its image \(4 x 3 and 2 x 3\)"),
        (SAMPLES, r"image of 3 is missing.*\(3 of 6 targets do not fit\)"),
    ],
)
def test_the_first_target_that_does_not_fit_is_named(samples: list[Sample], words: str) -> None:
    with pytest.raises(DataError, match=words):
        check_target_images(TASK, samples, read)


def test_a_task_that_accepts_every_image_reads_none() -> None:
    check_target_images(image_to_image(), SAMPLES, lambda _sample: pytest.fail("read"))
