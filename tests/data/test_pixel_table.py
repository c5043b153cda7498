"""Images in the columns of a CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from comp.contract.competition import ImageSpec
from comp.contract.sample import Sample
from comp.data.pixel_table import PixelTableReader, pixel_columns, read_pixels
from comp.errors import DataError

PIXELS = np.arange(3 * 12, dtype=np.int64).reshape(3, 12) * 7


def write(path: Path, pixels: np.ndarray, shuffle: bool = False) -> Path:
    names = [f"pixel{i}" for i in range(pixels.shape[1])]
    frame = pl.DataFrame(pixels, schema=names, orient="row")
    order = names[::-1] if shuffle else names
    frame.select(pl.lit("x").alias("label"), *order).write_csv(path)
    return path


@pytest.mark.parametrize("shuffle", [False, True])
def test_pixels_are_read_line_by_line_whatever_the_order_of_the_columns(
    tmp_path: Path, shuffle: bool
) -> None:
    found = read_pixels(write(tmp_path / "t.csv", PIXELS, shuffle), (3, 4))
    assert (found.shape, found.dtype) == ((3, 3, 4, 1), np.uint8)
    assert found[2, 1, 3, 0] == PIXELS[2, 7]
    assert pixel_columns(["label", "pixel10", "pixel2", "pixels"]) == ["pixel2", "pixel10"]


def test_the_id_of_a_sample_is_its_row_counted_from_one(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", PIXELS)
    samples = [Sample(id="3", image=path, target=1.0), Sample(id="1", image=path)]
    spec = ImageSpec(size=4, channels=3, interpolation="nearest")
    reader = PixelTableReader.read_all(samples, (3, 4), spec)
    labelled, unlabelled = (reader(sample) for sample in samples)
    assert labelled["image"].shape == (4, 4, 3)
    assert labelled["image"][0, 0].tolist() == [PIXELS[2, 0]] * 3
    assert unlabelled["image"][0, 1].tolist() == [7] * 3
    assert labelled["target"].tolist() == [1.0]
    assert "target" not in unlabelled


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p[:, :11], r"has 11 columns named pixel<number>, but images of 3 x 4 need 12"),
        (lambda p: p * 2, r"has pixels from 0 to 490, but they must be 0 to 255"),
        (lambda p: p - 1, r"has pixels from -1 to 244"),
    ],
)
def test_tables_that_hold_no_such_images_are_refused(
    tmp_path: Path, change: object, words: str
) -> None:
    path = write(tmp_path / "t.csv", change(PIXELS))  # type: ignore[operator]
    with pytest.raises(DataError, match=words):
        read_pixels(path, (3, 4))


def test_empty_pixels_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", PIXELS)
    path.write_text(path.read_text().replace(",7,", ",,", 1))
    with pytest.raises(DataError, match="has empty pixels"):
        read_pixels(path, (3, 4))
