"""Images whose pixels are the columns of a CSV, one row per image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from comp.contract.competition import ImageSpec
from comp.contract.sample import Item, Sample
from comp.data.images.items import numbers_of
from comp.data.images.resize import resize_image
from comp.errors import DataError


@dataclass(frozen=True)
class PixelTableReader:
    """Reads `image`, uint8 (h, w, channels), and `target`, float32 (T,), from tables in memory.

    The image of a sample is the row of the table `sample.image` that its id names, counted from 1.
    """

    tables: Mapping[Path, np.ndarray]
    """Pixels of each table, uint8 (N, H, W, 1)."""
    spec: ImageSpec

    @classmethod
    def read_all(
        cls, samples: Sequence[Sample], size: tuple[int, int], spec: ImageSpec
    ) -> PixelTableReader:
        """Read the tables of the samples.

        Args:
            size: height and width; a row has height x width pixels, line by line.

        Raises:
            DataError: a table has another number of pixel columns, or other values than 0 to 255.
        """
        paths = dict.fromkeys(sample.image_file for sample in samples)
        return cls({path: read_pixels(path, size) for path in paths}, spec)

    def __call__(self, sample: Sample) -> Item:
        """The image of a sample, resized by the spec, and its target if it is known."""
        pixels = self.tables[sample.image_file][int(sample.id) - 1]
        if self.spec.channels > 1:
            pixels = np.repeat(pixels, self.spec.channels, axis=2)
        return {"image": resize_image(pixels, self.spec).copy()} | numbers_of(sample)


def pixel_columns(names: Sequence[str]) -> list[str]:
    """The columns whose names are `pixel` and a number, in the order of the numbers."""
    found = [name for name in names if name.startswith("pixel") and name[5:].isdecimal()]
    return sorted(found, key=lambda name: int(name[5:]))


def read_pixels(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The pixels of a table: uint8 (N, height, width, 1).

    Raises:
        DataError: the table has another number of pixel columns, or other values than 0 to 255.
    """
    height, width = size
    try:
        columns = pixel_columns(pl.read_csv(path, n_rows=0).columns)
        if len(columns) != height * width:
            raise DataError(
                f"{path} has {len(columns)} columns named pixel<number>, but images of {height} x "
                f"{width} need {height * width}: correct the size in the plugin"
            )
        frame = pl.read_csv(
            path, columns=columns, schema_overrides=dict.fromkeys(columns, pl.Int32)
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
    values = frame.select(columns)
    if sum(values.null_count().row(0)):
        raise DataError(f"{path} has empty pixels: fetch the data again")
    array = values.to_numpy()
    if array.size and (array.min() < 0 or array.max() > 255):
        raise DataError(
            f"{path} has pixels from {array.min()} to {array.max()}, but they must be 0 to 255: "
            "fetch the data again"
        )
    return array.astype(np.uint8).reshape(-1, height, width, 1)
