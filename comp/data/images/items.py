"""The default readers: from a sample to an item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.sample import Item, Sample
from comp.data.images.decode import read_rgb
from comp.data.images.masks import read_mask
from comp.data.images.values import ValueRange


def read_item(sample: Sample, value_range: ValueRange | None = None) -> Item:
    """The default reader: the colour image, the target image or numbers, and the features."""
    item = {"image": read_rgb(sample.image_file, value_range)} | numbers_of(sample)
    if isinstance(sample.target, Path):
        item["target"] = read_rgb(sample.target, value_range)
    return item


def read_masked_item(
    sample: Sample, value_range: ValueRange | None = None, channels: int = 1, grey: bool = False
) -> Item:
    """The colour image, and the values of the target's label image as `read_mask` returns them."""
    item = {"image": read_rgb(sample.image_file, value_range)} | numbers_of(sample)
    if isinstance(sample.target, Path):
        item["target"] = read_mask(sample.target, channels, grey)
    return item


def numbers_of(sample: Sample) -> dict[str, np.ndarray]:
    """`target`, float32 (T,), if it is a number or a sequence of numbers, and `features`, float32
    (F,), if the sample has any and all are numbers, in the order of its columns."""
    item = {}
    if sample.target is not None and not isinstance(sample.target, Path):
        item["target"] = np.asarray(sample.target, dtype=np.float32).reshape(-1)
    cells: list[Any] = list(sample.features.values())
    if cells and not any(cell is None or isinstance(cell, str) for cell in cells):
        item["features"] = np.fromiter(cells, dtype=np.float32)
    return item
