"""The reader of a bundle returns the pixels that comp's readers return."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from comp.bundle.parts.images import Image
from comp.bundle.parts.own import OWN
from comp.bundle.parts.read import make_reader, why_not
from comp.config.image_size import height_and_width
from comp.contract.competition import ImageSpec
from comp.data.images.decode import read_rgb
from comp.data.images.decode_many import read_resized
from comp.data.images.resize import middle_of
from comp.data.images.values import ValueRange
from comp.errors import DataError

RESIZED: dict[str, Any] = {
    "kind": "resized",
    "size": [24, 36],
    "policy": "squash",
    "channels": 3,
    "interpolation": "bilinear",
    "crop_pct": 0.9,
    "value_range": None,
}
RANGE = ValueRange({"uint16": (0.0, 4095.0), "float": (0.0, 2.0)})


def colours(height: int = 90, width: int = 130, channels: int = 3) -> np.ndarray:
    """A picture that is smooth, as JPEG likes it, with different channels."""
    y, x = np.mgrid[:height, :width]
    planes = [127 + 120 * np.sin(x / (9 + 3 * c) + y / (14 - 2 * c)) for c in range(channels)]
    return np.stack(planes, axis=2).astype(np.uint8)


def turned(path: Path) -> None:
    exif = Picture.Exif()
    exif[0x0112] = 6
    Picture.fromarray(colours()).save(path, exif=exif)


FILES: dict[str, Callable[[Path], Any]] = {
    "colour.jpg": lambda path: Picture.fromarray(colours()).save(path, quality=90),
    "large.jpg": lambda path: Picture.fromarray(colours(400, 600)).save(path),
    "grey.jpg": lambda path: Picture.fromarray(colours()[..., 0]).save(path),
    "turned.jpg": turned,
    "colour.png": lambda path: Picture.fromarray(colours()).save(path),
    "alpha.png": lambda path: Picture.fromarray(colours(channels=4), "RGBA").save(path),
    "palette.png": lambda path: Picture.fromarray(colours()).quantize(20).save(path),
    "bits.png": lambda path: Picture.fromarray(colours()[..., 0] > 99).save(path),
    "pages.tif": lambda path: Picture.fromarray(colours()).save(path),
    "small.gif": lambda path: Picture.fromarray(colours(20, 9)).save(path),
    "lossless.webp": lambda path: Picture.fromarray(colours()).save(path, lossless=True),
    "wrong-suffix.jpg": lambda path: Picture.fromarray(colours()).save(path, format="PNG"),
    "array.npy": lambda path: np.save(path, colours()),
}
DEEP: dict[str, Callable[[Path], Any]] = {
    "grey16.png": lambda path: Picture.fromarray(colours()[..., 0].astype(np.uint16) * 17).save(
        path
    ),
    "floats.npy": lambda path: np.save(path, colours()[..., 0].astype(np.float32) / 127),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_format_is_read_as_by_comp(tmp_path: Path, name: str, channels: int) -> None:
    path = tmp_path / name
    FILES[name](path)
    spec = ImageSpec(size=(24, 36), channels=channels, crop_pct=0.9)
    found = make_reader([], tmp_path, RESIZED | {"channels": channels})(Image("x", path))
    assert found.shape == (24, 36, channels)
    assert found.dtype == np.uint8
    assert np.array_equal(found, read_resized(path, spec))
    whole = make_reader([], tmp_path, {"kind": "whole", "channels": 3, "value_range": None})
    assert np.array_equal(whole(Image("x", path)), read_rgb(path))


@pytest.mark.parametrize("policy", ["squash", "letterbox", "crop", "partial"])
@pytest.mark.parametrize("interpolation", ["nearest", "bicubic", "area"])
def test_every_policy_is_that_of_comp(tmp_path: Path, policy: Any, interpolation: str) -> None:
    path = tmp_path / "large.jpg"
    FILES["large.jpg"](path)
    more = {"policy": policy, "interpolation": interpolation}
    spec = ImageSpec(size=(24, 36), crop_pct=0.9, **more)
    expected = read_resized(path, spec)
    if policy == "partial":
        expected = middle_of(expected, *height_and_width(spec.size))
    found = make_reader([], tmp_path, RESIZED | more)(Image("x", path))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("policy", ["squash", "partial"])
def test_compressed_images_are_those_of_comp(tmp_path: Path, policy: Any) -> None:
    path = tmp_path / "colour.png"
    FILES["colour.png"](path)
    spec = ImageSpec(size=(24, 36), crop_pct=0.9, policy=policy, stored="jpeg")
    expected = middle_of(read_resized(path, spec), 24, 36)
    read = RESIZED | {"kind": "compressed", "policy": policy}
    assert np.array_equal(make_reader([], tmp_path, read)(Image("x", path)), expected)


@pytest.mark.parametrize("name", DEEP)
def test_more_than_8_bits_are_read_with_the_range_of_the_run(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    DEEP[name](path)
    read = make_reader([], tmp_path, RESIZED | {"value_range": RANGE.record()})
    expected = read_resized(path, ImageSpec(size=(24, 36), crop_pct=0.9), RANGE)
    assert np.array_equal(read(Image("x", path)), expected)
    with pytest.raises(DataError, match="more than 8 bits, unlike the images of the run"):
        make_reader([], tmp_path, RESIZED)(Image("x", path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a readable image"),
        (b"\x89PNG\r\n\x1a\n", "is not a readable image"),
        (bytes(128) + b"DICM", "is a DICOM file, unlike the test images of the run"),
        (None, "cannot read the image"),
    ],
)
def test_a_broken_file_is_an_error_of_the_data(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "x.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        make_reader([], tmp_path, RESIZED)(Image("x", path))


def test_files_that_only_comp_reads_are_named(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "deep.png"), colours().astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "deep.tif"), colours().astype(np.uint16) * 257)
    deep = (tmp_path / "deep.png").read_bytes()
    assert why_not("PNG", deep) == "a PNG of colours with 16 bits"
    assert "TIFF" in why_not("TIFF", (tmp_path / "deep.tif").read_bytes())
    FILES["pages.tif"](tmp_path / "pages.tif")
    assert why_not("TIFF", (tmp_path / "pages.tif").read_bytes()) == ""
    assert why_not("TIFF", b"II*\0") == ""
    assert why_not(None, b"") == ""


def test_a_reader_of_the_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "colour.png"
    FILES["colour.png"](path)
    images = [Image("x", path)]
    given: list[Any] = []

    def make(*arguments: Any) -> Any:
        given.extend(arguments)
        return lambda image: np.full((1, 1, 1), len(image.id), np.uint8)

    monkeypatch.setitem(OWN, "reader", make)
    read = make_reader(
        images, tmp_path, {"kind": "own", "settings": {"side": 3}, "value_range": None}
    )
    assert read(images[0]).item() == 1
    assert given[:2] == [images, tmp_path]
    assert given[3] == {"side": 3}
    assert np.array_equal(given[2](path, 3), colours())
