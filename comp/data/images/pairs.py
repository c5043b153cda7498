"""Pairs of images of the same size: how they are read, grouped and measured."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from comp.contract.sample import Item, Sample
from comp.data.images.decode import read_gray, read_rgb
from comp.data.images.pages import NO_PAGES, Pages
from comp.data.images.values import ValueRange
from comp.errors import DataError


@dataclass(frozen=True)
class PairReader:
    """Returns `image` and, if it is known, `target`, both uint8 (H, W, channels).

    `channels` is 1 (grey) or 3 (RGB).
    """

    channels: int
    value_range: ValueRange | None = None
    pages: Pages = NO_PAGES

    def __call__(self, sample: Sample) -> Item:
        """The images of a sample.

        Raises:
            DataError: an image cannot be read, or the two have different sizes.
        """
        item = {"image": self.pages.read(sample.image_file, self.read)}
        if isinstance(sample.target, Path):
            item["target"] = self.pages.read(sample.target, self.read)
            sizes = [size_text(pixels.shape[:2]) for pixels in item.values()]
            if sizes[0] != sizes[1]:
                raise DataError(
                    f"{sample.image_file} is {sizes[0]} and its target {sample.target} is "
                    f"{sizes[1]}: give pairs of one size"
                )
        return item

    def target_alone(self, sample: Sample) -> Item:
        """The target of a sample."""
        if not isinstance(sample.target, Path):
            return {}
        return {"target": self.pages.read(sample.target, self.read)}

    def read(self, path: Path) -> np.ndarray:
        """An image of a pair."""
        if self.channels == 1:
            return read_gray(path, self.value_range)[..., None]
        return read_rgb(path, self.value_range)


def size_text(size: tuple[int, ...] | None) -> str:
    """A size (height, width) as "width x height"."""
    return f"{size[1]} x {size[0]}" if size else "of unknown size"


def content_hash(path: Path) -> str | None:
    """A short hash of the bytes of a file; None if it cannot be read."""
    try:
        status = path.stat()
        return _hash(path, status.st_size, status.st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=2**17)
def _hash(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:12]


def is_one_colour(path: Path) -> bool:
    """Whether all pixels of an image are equal; False if it cannot be read."""
    try:
        pixels = read_rgb(path)
    except DataError:  # the check of the images reports it
        return False
    return bool((pixels == pixels[:1, :1]).all())


def image_size(path: Path) -> tuple[int, int] | None:
    """(height, width) from the header of an image, upright; None if it cannot be read."""
    try:
        status = path.stat()
        return _size(path, status.st_size, status.st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=2**17)
def _size(path: Path, _size: int, _changed: int) -> tuple[int, int] | None:
    from PIL import Image

    try:
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112) in (5, 6, 7, 8)
            width, height = image.size
    except Exception:  # the check of the images reports a file that cannot be read
        return None
    return (width, height) if turned else (height, width)
