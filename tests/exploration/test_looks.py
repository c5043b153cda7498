"""What images look like, and what of it tells the class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from toys import toy

from comp.contract.sample import Sample
from comp.data.drift.appearance import pixel_statistics
from comp.exploration.looks import image_looks
from comp.exploration.subjects import Subjects


def subjects(count: int) -> Subjects:
    return Subjects(
        competition=toy(classes=("dark", "light")),
        samples=[Sample(id=f"s{row}", image=Path(f"{row}.png")) for row in range(count)],
        splits=["train"] * count,
        classes=[("light" if row % 2 else "dark",) for row in range(count)],
    )


def test_brightness_that_tells_the_class_is_named() -> None:
    rng = np.random.default_rng(0)
    looks = {}
    for row in range(20):
        pixels = rng.integers(0, 60, (20, 30 + row)) + 100 * (row % 2)
        sides = {"width": 30.0 + row, "height": 20.0, "aspect ratio": (30 + row) / 20}
        looks[row] = sides | pixel_statistics(pixels.astype(np.uint8))
    found = image_looks(subjects(20), looks)
    assert found is not None
    assert found.telling[0].name == "brightness"
    assert (found.telling[0].explained or 0) > 0.99
    measures = {measure.name: measure for measure in found.measures}
    assert not measures["height"].varies
    assert [sample.id for sample in measures["aspect ratio"].lowest[:2]] == ["s0", "s1"]
    assert measures["aspect ratio"].highest[0].id == "s19"
    assert {sample.label for sample in measures["brightness"].lowest} == {"dark"}
    assert "saturation" not in measures  # grey images have none
    assert (found.different_sizes, found.images) == (20, 20)


def test_no_images_no_looks() -> None:
    assert image_looks(subjects(2), {}) is None
