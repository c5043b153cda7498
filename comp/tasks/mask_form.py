"""The rows of a submission of masks: their run lengths, and what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comp.submission.rle import RleFormat, encode


@dataclass(frozen=True, kw_only=True)
class MaskForm:
    """How masks are submitted. `comp.tasks.mask_table.MaskTable` explains the columns."""

    labels: Sequence[str]
    """The labels that are submitted."""
    planes: Sequence[int]
    """Their indices in a decision (H, W, K)."""
    id_column: str
    rle_column: str | None
    class_column: str | None
    rle: RleFormat
    size: tuple[int, int] | None = None
    """Height and width of the submitted masks; None: those of the image."""

    def rows(self, image: str, decision: np.ndarray) -> dict[str, list[Any]]:
        """The run lengths of the masks of an image: one row per label, or one column."""
        if self.size:
            decision = resized(decision, self.size)
        cells = [encode(decision[..., plane], self.rle) for plane in self.planes]
        if self.rle_column is None:
            by_label = dict(zip(self.labels, cells, strict=True))
            return {self.id_column: [image]} | {n: [cell] for n, cell in by_label.items()}
        several = len(self.labels) > 1 and not self.class_column
        ids = [f"{image}_{label}" if several else image for label in self.labels]
        classes = {self.class_column: list(self.labels)} if self.class_column else {}
        return {self.id_column: ids, **classes, self.rle_column: cells}


def resized(masks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Masks (H, W, ...) at another (height, width): each pixel is the one that is nearest to its
    centre, so that 0 and 1 stay 0 and 1, and classes that exclude each other still do."""
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for old, new in zip(masks.shape[:2], size, strict=True)
    )
    found: np.ndarray = masks[np.ix_(rows, columns)]
    return found
