"""Equalisation of the brightness of an image: over its histogram, or region by region (CLAHE)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from comp.contract.sample import Item, Reader, Sample
from comp.errors import DataError

CLIP_LIMIT = 2.0
"""How often a value may occur in a region, as a multiple of the mean of all 256 values."""
MOST_REGIONS, LEAST_SIDE = 8, 16
"""Regions along a side, at most, and the pixels of a region's side, at least: the histogram of a
smaller region says little."""


def equalized(image: np.ndarray, how: str, clip_limit: float = CLIP_LIMIT) -> np.ndarray:
    """Equalise an image, uint8 (H, W, C): uint8 (H, W, C), a new array.

    histogram: all values become equally frequent. clahe: the same in each of 8 x 8 regions, or
    fewer of small images, with limited contrast (Zuiderveld 1994). Of colour images, the lightness
    L of CIE L*a*b* is equalised, so that their colours stay; of images with other numbers of
    channels each channel.

    Args:
        how: "histogram", "clahe", or "none".
        clip_limit: of clahe; larger values raise the contrast more.
    """
    if how == "none":
        return image
    if how == "histogram":
        function = cv2.equalizeHist
    else:
        height, width = (min(MOST_REGIONS, max(1, n // LEAST_SIDE)) for n in image.shape[:2])
        function = cv2.createCLAHE(clip_limit, (width, height)).apply
    if image.shape[2] == 3:
        lab = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2LAB)
        lab[..., 0] = function(np.ascontiguousarray(lab[..., 0]))
        return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))
    planes = [np.ascontiguousarray(image[..., index]) for index in range(image.shape[2])]
    return np.stack([function(plane) for plane in planes], axis=2)


@dataclass(frozen=True)
class EqualizedReader:
    """A reader whose images are equalised; `how` is a value of `image.equalize`."""

    reader: Reader
    how: str

    @property
    def target_alone(self) -> Reader:
        """How the reader reads a target alone, if it can: no target is equalised.

        Raises:
            AttributeError: it cannot.
        """
        alone: Reader = self.reader.target_alone  # type: ignore[attr-defined]
        return alone

    def __call__(self, sample: Sample) -> Item:
        """Read one sample.

        Raises:
            DataError: its image does not have 8 bits.
        """
        item = self.reader(sample)
        image = np.asarray(item["image"])
        if image.dtype != np.uint8 or image.ndim != 3:
            raise DataError(
                f"image.equalize = {self.how} needs images of 8 bits, and the reader returns "
                f"{image.dtype} of shape {image.shape} for {sample.id}: set image.equalize = none"
            )
        return {**item, "image": equalized(image, self.how)}
