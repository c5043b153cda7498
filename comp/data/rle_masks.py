"""Read images whose masks are run lengths in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comp.contract.sample import Item, Sample
from comp.data.images.decode import read_rgb
from comp.data.images.values import ValueRange
from comp.errors import DataError
from comp.submission.rle import RleFormat, decode


@dataclass(frozen=True, kw_only=True)
class RleMaskReader:
    """Returns the colour image and its masks, uint8 (H, W, K) of 0 and 1.

    `cells` are the K run lengths of each training image, by the id of its sample; an image that is
    not in it has empty masks. Samples without a target have no masks.
    """

    cells: Mapping[str, Sequence[str | None]]
    labels: tuple[str, ...]
    form: RleFormat
    value_range: ValueRange | None = None

    def __call__(self, sample: Sample) -> Item:
        image = read_rgb(sample.image, self.value_range)
        if sample.target is None:
            return {"image": image}
        cells = self.cells.get(sample.id, (None,) * len(self.labels))
        try:
            masks = [decode(cell, image.shape[:2], self.form) for cell in cells]
        except DataError as error:
            raise DataError(f"the mask of {sample.id}: {error}") from None
        return {"image": image, "target": np.stack(masks, axis=2)}
