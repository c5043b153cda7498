"""The orientation of a file is read without its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.data.images.decode import read_rgb
from comp.data.images.orientation import (
    _metadata,
    read_orientation,
    turned_images,
    upright_size,
)

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_the_orientation_is_read_beside_the_pixels(tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    paths = [tmp_path / f"{name}.{kind.lower()}" for name in ("plain", "turned")]
    Image.fromarray(NOISE).save(paths[0], kind, lossless=True)
    Image.fromarray(NOISE).save(paths[1], kind, exif=exif, lossless=True)
    expected = kind != "GIF"
    assert read_orientation(paths[0]) == 1
    assert read_orientation(paths[1]) == (6 if expected else 1)
    assert turned_images(paths) == paths[1:] * expected
    if kind in ("PNG", "JPEG", "WEBP"):
        with paths[1].open("rb") as stream:
            assert sum(map(len, _metadata(stream, kind))) < 1500


def test_an_orientation_behind_the_pixels_is_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    path = tmp_path / "a.png"
    Image.fromarray(NOISE).save(path, exif=exif)
    data = path.read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    last = data.index(b"IEND") - 4
    path.write_bytes(data[:start] + data[end:last] + data[start:end] + data[last:])
    assert read_orientation(path) == 3


def test_a_jpeg_with_bytes_between_its_segments_is_read_as_a_whole(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    path = tmp_path / "a.jpg"
    Image.fromarray(NOISE).save(path, exif=exif)
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff" + data[2:])
    assert read_orientation(path) == 8
    path.write_bytes(data[:3])
    assert read_orientation(path) == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_in_a_header_is_that_of_the_image_as_it_is_read(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{kind.lower()}"
    Image.fromarray(NOISE[:20]).save(path, kind, exif=exif)
    expected = None if kind == "TIFF" else read_rgb(path).shape[:2]
    assert upright_size(path) == expected


def test_a_file_without_a_header_has_no_size(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    assert upright_size(path) is None
    path.write_bytes(b"\x89PNG\r\n\x1a\n and nothing else")
    assert upright_size(path) is None
