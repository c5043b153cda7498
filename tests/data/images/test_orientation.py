"""The orientation of a file is read without its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.data.images.orientation import _metadata, read_orientation, turned_images

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
