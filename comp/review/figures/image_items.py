"""The out-of-fold predictions of images, one at a time; of many, a part."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from comp.errors import CompError
from comp.inference.oof import read_target
from comp.page.blocks import Block, Paragraph
from comp.page.words import say
from comp.pipeline.run_oof import RunOof

VALUES = 12_000_000
"""Values of all predictions that are read; of more, evenly chosen images are left out."""
MOST = 600
"""Images that are read however small they are."""
LEAST = 24
"""Images that are read however large they are."""


@dataclass(frozen=True)
class ImageItem:
    """An image with its target and its prediction, float32 (H, W, K)."""

    id: str
    fold: int
    group: str
    image: np.ndarray
    """uint8 (H, W, C), as the network's reader returns it."""
    target: np.ndarray
    prediction: np.ndarray


@dataclass
class ImageItems:
    """The images of a run, which can be iterated several times; counts what it leaves out."""

    oof: RunOof
    ids: tuple[str, ...]
    broken: set[str] = field(default_factory=set)
    """Images or targets that cannot be read."""
    not_finite: set[str] = field(default_factory=set)
    """Images whose prediction is not finite."""

    def __iter__(self) -> Iterator[ImageItem]:
        for name in self.ids:
            item = self.item(name)
            if item is not None:
                yield item

    def item(self, name: str) -> ImageItem | None:
        """One image; None if it is left out."""
        sample, prediction = self.oof.samples[name], self.oof.predictions[name]
        if not np.isfinite(prediction).all():
            self.not_finite.add(name)
            return None
        try:
            read = self.oof.reader(sample) if self.oof.reader else {}
            target = read_target(self.oof.competition.task, sample, lambda _sample: read)
            image = read["image"]
        except (CompError, OSError, KeyError):
            self.broken.add(name)
            return None
        if target.shape != prediction.shape:
            self.broken.add(name)
            return None
        fold, group = self.oof.fold_of[name], self.oof.groups[name]
        return ImageItem(name, fold, group, image, target, prediction)

    def notes(self) -> list[Block]:
        """What the reader should know of the images that are left out, after an iteration."""
        blocks: list[Block] = []
        if len(self.ids) < len(self.oof.ids):
            words = say(
                "This panel is made from {n} of {m} images, evenly chosen.",
                n=len(self.ids),
                m=len(self.oof.ids),
            )
            blocks.append(Paragraph(words))
        if self.not_finite:
            words = say(
                "{n} predictions are not finite numbers. They are left out here.",
                n=len(self.not_finite),
            )
            blocks.append(Paragraph(words, "bad"))
        if self.broken:
            words = say(
                "{n} images or targets cannot be read. They are left out here.",
                n=len(self.broken),
            )
            blocks.append(Paragraph(words, "warning"))
        return blocks


def image_items(oof: RunOof, values: int = VALUES) -> ImageItems:
    """The images of a run; of many, at most 600, and as many as have `values` values together."""
    ids = tuple(oof.ids)
    size = int(np.size(oof.predictions[ids[0]])) if ids else 1
    most = max(LEAST, min(MOST, values // max(1, size)))
    step = math.ceil(len(ids) / most)
    return ImageItems(oof, ids[::step])
