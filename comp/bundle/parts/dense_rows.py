"""The rows of predicted masks and images: run lengths, and one row for each pixel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

import numpy as np

from comp.errors import DataError
from comp.submission.rle import RleFormat
from comp.tasks.mask_form import MaskForm

ROWS = 1 << 16
"""Rows of a sample submission that are taken apart at a time."""


class Places(NamedTuple):
    """The pixels of an image that the sample submission asks for, in its order; from 1."""

    rows: np.ndarray
    columns: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """The (height, width) that these pixels need."""
        return int(self.rows.max()), int(self.columns.max())


def mask_rows(image: str, decision: np.ndarray, rows: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The run lengths of masks (H, W, K), as the section `rows` of the kind "masks" says."""
    size = rows.get("size")
    form = MaskForm(
        labels=rows["labels"],
        planes=rows["planes"],
        id_column=rows["id_column"],
        rle_column=rows["rle_column"],
        class_column=rows["class_column"],
        rle=RleFormat(**rows["rle"]),
        size=(size[0], size[1]) if size else None,
    )
    return form.rows(image, decision)


def pixel_rows_of(
    image: str, prediction: np.ndarray, rows: Mapping[str, Any], places: Places | None = None
) -> dict[str, Any]:
    """One row per pixel of an image (H, W) or (H, W, 1): `<image>_<row>_<column>`, from 1.

    Args:
        places: the pixels that are asked for; None: all, row by row.

    Raises:
        DataError: a pixel is not in the image.
    """
    height, width = prediction.shape[:2]
    if places is None:
        down, right = (index.ravel() + 1 for index in np.indices((height, width)))
        places = Places(down, right)
    if places.size[0] > height or places.size[1] > width:
        raise DataError(
            f"the sample submission asks for the pixel {image}_{places.size[0]}_{places.size[1]}, "
            f"and the image has {height} x {width} pixels: fetch the data again"
        )
    pairs = zip(places.rows.tolist(), places.columns.tolist(), strict=True)
    ids = [f"{image}_{row}_{column}" for row, column in pairs]
    values = prediction.reshape(height, width)[places.rows - 1, places.columns - 1]
    return {rows["id_column"]: ids, rows["value_column"]: values}


def pixels_by_image(ids: Iterable[str]) -> dict[str, Places]:
    """The pixels of each image in the ids of a sample submission, in its order; it may have
    millions of rows.

    Raises:
        DataError: an id is not `<image>_<row>_<column>`.
    """
    found: dict[str, list[np.ndarray]] = {}
    rest = iter(ids)
    while part := list(islice(rest, ROWS)):
        for name, pixels in _pixels_of(part):
            found.setdefault(name, []).append(pixels)
    return {name: Places(*np.concatenate(parts, axis=1)) for name, parts in found.items()}


def _pixels_of(ids: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """The image of each block of ids, and its rows and columns, int32 (2, N)."""
    try:
        split = [each.rsplit("_", 2) for each in ids]
        pixels = np.array([[int(part[side]) for part in split] for side in (1, 2)], np.int32)
        if pixels.min() < 1:
            raise ValueError
    except (ValueError, IndexError):
        raise DataError(
            f"the sample submission has ids such as {ids[0]!r:.60}, and some are not "
            "<image>_<row>_<column>: fetch the data again"
        ) from None
    start = 0
    for name, block in groupby(part[0] for part in split):
        stop = start + len(list(block))
        yield name, pixels[:, start:stop]
        start = stop
