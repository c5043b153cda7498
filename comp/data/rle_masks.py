"""Read images whose masks are run lengths in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from comp.contract.sample import Item, Sample
from comp.data.images.decode import read_rgb
from comp.data.images.orientation import upright_size
from comp.data.images.pages import NO_PAGES, Pages
from comp.data.images.values import ValueRange
from comp.errors import DataError
from comp.submission.rle import RleFormat, decode

COMBED = 1.5
"""Masks with so many times the edges of the other order are in the wrong order."""
LEAST = 8
"""Square images that are needed to compare masks with images."""
CLEARLY, TIMES = 5.0, 3.0
"""Standard errors with which transposed masks belong to their images, and how many times those of
the masks themselves they are."""


@dataclass(frozen=True, kw_only=True)
class RleMaskReader:
    """Returns the colour image and its masks, uint8 (H, W, K) of 0 and 1.

    `cells` are the K run lengths of each training image, by the id of its sample. Samples without a
    target have no masks.
    """

    cells: Mapping[str, Sequence[str | None]]
    labels: tuple[str, ...]
    form: RleFormat
    value_range: ValueRange | None = None
    pages: Pages = NO_PAGES

    def __call__(self, sample: Sample) -> Item:
        image = self.pages.read(sample.image_file, self.read)
        if sample.target is None:
            return {"image": image}
        return {"image": image, "target": self._masks(sample, image.shape[:2])}

    def target_alone(self, sample: Sample) -> Item:
        """The masks of a sample; the size of its image is read from the header of the file."""
        if sample.target is None:
            return {}
        size = upright_size(sample.image_file)
        return {"target": self._masks(sample, size)} if size else self(sample)

    def _masks(self, sample: Sample, size: tuple[int, ...]) -> np.ndarray:
        if sample.id not in self.cells:
            raise DataError(f"no run lengths were read for {sample.id}: correct the table")
        cells = self.cells[sample.id]
        try:
            masks = [decode(cell, (size[0], size[1]), self.form) for cell in cells]
        except DataError as error:
            raise DataError(f"the mask of {sample.id}: {error}") from None
        return np.stack(masks, axis=2)

    def read(self, path: Path) -> np.ndarray:
        """The colour image at a path."""
        return read_rgb(path, self.value_range)


def order_problem(
    cells: Sequence[str | None], sizes: Sequence[tuple[int, int]], form: RleFormat
) -> str:
    """Why run lengths are in the other order of the pixels, "" if nothing shows it.

    In the wrong order the rows of a mask are displaced, so that it has many more edges. Masks of
    square images only become transposed: `transposed_problem` compares them with their images.

    Args:
        cells: run lengths that fit `form`.
        sizes: (height, width) of their images.
    """
    other = replace(form, order="row" if form.order == "column" else "column")
    pairs = list(zip(cells, sizes, strict=True))
    edges, fewer = (sum(_edges(decode(*pair, f)) for pair in pairs) for f in (form, other))
    if edges < COMBED * fewer or not fewer:
        return ""
    return (
        f"has run lengths that look like {other.order} order: in {form.order} order the masks have "
        f"{edges / fewer:.1f} times as many edges: give the plugin "
        f"rle=RleFormat(order='{other.order}', base=...), the number of the first pixel"
    )


def transposed_problem(images: np.ndarray, masks: np.ndarray, form: RleFormat) -> str:
    """Why run lengths of square images are in the other order of the pixels, "" if nothing shows
    it.

    A mask belongs to its image if its pixels are brighter, or darker, than in another image of the
    data: on average, in standard errors. Only if the transposed masks clearly belong to their
    images, and far more than the masks, the order is wrong. So nothing is concluded from where
    objects are in the images, or from objects that are as bright as the rest.

    Args:
        images: grey (N, S, S).
        masks: bool (N, S, S), none of them empty or full.
    """
    if len(images) < LEAST or images.shape[1] != images.shape[2]:
        return ""
    found, transposed = (_belonging(images, m) for m in (masks, masks.transpose(0, 2, 1)))
    if transposed < max(CLEARLY, TIMES * found):
        return ""
    other = "row" if form.order == "column" else "column"
    return (
        f"has run lengths that look like {other} order: in {form.order} order the masks do not fit "
        f"their images, and transposed they do ({found:.0f} and {transposed:.0f} standard errors): "
        f"give the plugin rle=RleFormat(order='{other}', base={form.base})"
    )


def _belonging(images: np.ndarray, masks: np.ndarray) -> float:
    """How much brighter or darker the masks are in their own image than in the next one: the mean
    over the images, in standard errors."""
    gains = np.array(
        [
            _contrast(images[i], mask) - _contrast(images[(i + 1) % len(images)], mask)
            for i, mask in enumerate(masks)
        ]
    )
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    return float(abs(gains.mean()) / error) if error > 0 else 0.0


def _contrast(image: np.ndarray, mask: np.ndarray) -> float:
    """The difference of the mean brightness inside and outside, in standard deviations."""
    spread = float(image.std())
    difference = float(image[mask].mean()) - float(image[~mask].mean())
    return difference / spread if spread else 0.0


def _edges(mask: np.ndarray) -> int:
    """Pairs of neighbours of which one is inside."""
    return int((mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum())
