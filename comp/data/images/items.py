"""The default readers: from a sample to an item."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.sample import Item, Sample
from comp.data.images.decode import read_rgb
from comp.data.images.masks import read_mask
from comp.data.images.pages import NO_PAGES, Pages
from comp.data.images.values import ValueRange


def read_item(sample: Sample, value_range: ValueRange | None = None) -> Item:
    """The default reader: the colour image, the target image or numbers, and the features."""
    item = {"image": read_rgb(sample.image_file, value_range)} | numbers_of(sample)
    if isinstance(sample.target, Path):
        item["target"] = read_rgb(sample.target, value_range)
    return item


def read_masked_item(
    sample: Sample,
    value_range: ValueRange | None = None,
    channels: int = 1,
    grey: bool = False,
    pages: Pages = NO_PAGES,
) -> Item:
    """The colour image, and the values of the target's label image as `read_mask` returns them."""
    image = pages.read(sample.image_file, partial(read_rgb, value_range=value_range))
    item = {"image": image} | numbers_of(sample)
    if isinstance(sample.target, Path):
        item["target"] = pages.read(sample.target, partial(read_mask, channels=channels, grey=grey))
    return item


@dataclass(frozen=True)
class ItemReader:
    """`read_item`, and its target alone."""

    value_range: ValueRange | None = None

    def __call__(self, sample: Sample) -> Item:
        return read_item(sample, self.value_range)

    def target_alone(self, sample: Sample) -> Item:
        """The target of a sample."""
        if isinstance(sample.target, Path):
            return {"target": read_rgb(sample.target, self.value_range)}
        return numbers_of(sample)


@dataclass(frozen=True)
class MaskedReader:
    """`read_masked_item`, and its target alone."""

    value_range: ValueRange | None = None
    channels: int = 1
    grey: bool = False
    pages: Pages = NO_PAGES

    def __call__(self, sample: Sample) -> Item:
        return read_masked_item(sample, self.value_range, self.channels, self.grey, self.pages)

    def target_alone(self, sample: Sample) -> Item:
        """The target of a sample."""
        if isinstance(sample.target, Path):
            decode = partial(read_mask, channels=self.channels, grey=self.grey)
            return {"target": self.pages.read(sample.target, decode)}
        return numbers_of(sample)


def numbers_of(sample: Sample) -> dict[str, np.ndarray]:
    """`target`, float32 (T,), if it is a number or a sequence of numbers, and `features`, float32
    (F,), if the sample has any and all are numbers, in the order of its columns; new arrays."""
    item = {}
    if sample.target is not None and not isinstance(sample.target, Path):
        item["target"] = np.array(sample.target, dtype=np.float32).reshape(-1)
    cells: list[Any] = list(sample.features.values())
    if cells and not any(cell is None or isinstance(cell, str) for cell in cells):
        item["features"] = np.fromiter(cells, dtype=np.float32)
    return item
