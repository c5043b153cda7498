"""Target images whose values fit no class are found before any training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.contract.sample import Item, Sample
from comp.data.images.check_targets import check_target_images
from comp.data.images.decode import read_rgb
from comp.data.images.masks import read_mask
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
        (SAMPLES[5:], "image of 5 has the size 2 x 3, its image 4 x 3: both must have the same"),
        (SAMPLES, r"image of 3 is missing.*\(3 of 6 targets do not fit\)"),
    ],
)
def test_the_first_target_that_does_not_fit_is_named(samples: list[Sample], words: str) -> None:
    with pytest.raises(DataError, match=words):
        check_target_images(TASK, samples, read)


def test_a_task_that_accepts_every_image_reads_none() -> None:
    check_target_images(image_to_image(), SAMPLES, lambda _sample: pytest.fail("read"))


def drawn(path: Path, size: tuple[int, int], orientation: int) -> Path:
    """An image file of (width, height) with an EXIF orientation; 1 writes none."""
    exif = Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    Image.new("L", size, 1).save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize(
    ("orientations", "sizes", "refused"),
    [
        ((3, 1), [(6, 4), (6, 4)], True),
        ((1, 2), [(6, 4), (6, 4)], True),
        ((6, 1), [(5, 5), (5, 5)], True),
        ((6, 8), [(6, 4), (6, 4)], True),
        ((6, 1), [(6, 4), (4, 6)], False),  # the mask has the size of the turned image
        ((1, 8), [(4, 6), (6, 4)], False),
        ((8, 8), [(6, 4), (6, 4)], False),
        ((1, 1), [(5, 5), (5, 5)], False),
    ],
)
def test_an_image_and_its_mask_are_turned_alike(
    tmp_path: Path, suffix: str, orientations: tuple[int, int], sizes: list, refused: bool
) -> None:
    """Images were turned and their masks were not, without a word."""
    image, mask = (
        drawn(tmp_path / f"{name}{suffix if name == 'image' else '.png'}", size, orientation)
        for name, size, orientation in zip(("image", "mask"), sizes, orientations, strict=True)
    )

    def read_both(sample: Sample) -> Item:
        return {"image": read_rgb(sample.image), "target": read_mask(Path(str(sample.target)))}

    samples = [Sample(id="a", image=image, target=mask)]
    if not refused:
        check_target_images(TASK, samples, read_both)
        return
    first, second = orientations
    words = f"image of a has the EXIF orientation {second}, but its image {first}, so"
    with pytest.raises(DataError, match=words):
        check_target_images(TASK, samples, read_both)


def test_run_lengths_of_a_turned_image_are_refused(tmp_path: Path) -> None:
    """Nothing shows whether they count the pixels of the stored or of the turned image."""
    image = drawn(tmp_path / "a.jpg", (6, 4), 6)
    (tmp_path / "train.csv").write_text("id,runs\na,1 1\n")
    sample = Sample(id="a", image=image, target=tmp_path / "train.csv")
    item = {"image": read_rgb(image), "target": np.ones((6, 4, 1), np.uint8)}
    with pytest.raises(DataError, match="EXIF orientation 1, but its image 6"):
        check_target_images(TASK, [sample], lambda _sample: item)
