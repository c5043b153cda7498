"""What images of a run look like, in numbers; of many images, some chosen at random."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comp.contract.sample import Sample
from comp.data.drift.appearance import Appearance, appearance
from comp.data.drift.images import own_images
from comp.errors import CompError

if TYPE_CHECKING:
    from comp.review.facts import RunFacts

MOST = 300
"""Images of train and of test that are measured."""
LEAST = 40
LIMIT_S = 0.8
"""Seconds after which no further image of train, or of test, is measured, if there are forty."""


@dataclass(frozen=True, kw_only=True)
class Looks:
    """The statistics of some images."""

    ids: Sequence[str]
    """Of the predictions that the images belong to, or of test samples."""
    images: Sequence[Appearance]
    of: int
    """All images."""

    def numbers(self, name: str) -> np.ndarray:
        """A statistic of all images, float64 (N,); NaN where it is missing or a text."""
        cells = (image.get(name, np.nan) for image in self.images)
        return np.array([np.nan if isinstance(c, str) else c for c in cells], dtype=np.float64)

    def texts(self, name: str) -> list[str]:
        """A property of all images, such as the format; "" where it is missing."""
        cells: list[Any] = [image.get(name, "") for image in self.images]
        return [cell if isinstance(cell, str) else "" for cell in cells]


def read_image(facts: RunFacts, sample: Sample) -> np.ndarray | None:
    """The image of a sample as the network's reader returns it, uint8 (H, W, C); None if it cannot
    be read, or a reader of the competition's own returns other values."""
    if facts.reader is None or sample.image is None:
        return None
    try:
        image = facts.reader(sample)["image"]
    except (CompError, OSError, KeyError):
        return None
    return image if image.dtype == np.uint8 else None


NOTHING = Looks(ids=(), images=(), of=0)


def measure(facts: RunFacts, samples: Mapping[str, Sample], seed: int = 0) -> Looks:
    """The statistics of at most 300 images, and of fewer if they are slow to read. Files of several
    samples, such as a table of pixels, count by their pixels alone; images that cannot be read are
    left out."""
    if facts.reader is None:
        return NOTHING
    with_image = {name: sample for name, sample in samples.items() if sample.image is not None}
    own = {sample.id for sample in own_images(list(with_image.values()))}
    names = list(with_image)
    order = np.random.default_rng(seed).permutation(len(names))[:MOST]
    found: dict[str, Appearance] = {}
    end = time.monotonic() + LIMIT_S
    for index in order.tolist():
        sample = with_image[names[index]]
        pixels = read_image(facts, sample)
        if pixels is None:
            continue
        looks = dict(appearance(pixels, sample.image_file))
        if sample.id not in own:
            looks.pop("format", None)
        found[names[index]] = looks
        if len(found) >= LEAST and time.monotonic() > end:
            break
    ids = [name for name in names if name in found]
    return Looks(ids=ids, images=[found[name] for name in ids], of=len(names))


def looks_of_train(facts: RunFacts) -> Looks:
    """Of the images of samples that have a prediction out of fold."""
    if facts.oof is None:
        return NOTHING
    scored = set(facts.oof.ids)
    return measure(facts, {k: s for k, s in facts.first_images.items() if k in scored})


def looks_of_test(facts: RunFacts) -> Looks:
    """Of the images of the test samples."""
    if facts.oof is None:
        return NOTHING
    return measure(facts, {sample.id: sample for sample in facts.oof.data.test}, seed=1)
