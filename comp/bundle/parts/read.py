"""Reads the images of a bundle, as the section `read` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from comp.bundle.parts.images import Image
from comp.bundle.parts.own import OWN
from comp.config.image_size import height_and_width
from comp.contract.competition import ImageSpec
from comp.data.images.arrays import read_npy
from comp.data.images.decode import to_channels
from comp.data.images.formats import HEAD_BYTES, format_of, read_bytes
from comp.data.images.raw import RawImage, decode_picture, is_deep_png
from comp.data.images.resize import middle_of, resize_image, size_before_crop
from comp.data.images.values import ValueRange, kind_of
from comp.errors import DataError

ReadImage = Callable[[Image], np.ndarray]
"""An image -> uint8 (H, W, C). Raises DataError for a file that cannot be decoded."""


def make_reader(images: Sequence[Image], root: Path, read: Mapping[str, Any]) -> ReadImage:
    """The reader of the run's images.

    Args:
        images: all images of the test.
        root: the data.
        read: {"kind": "resized", "size": [224, 224], "policy": "squash", "channels": 3,
            "interpolation": "bilinear", "crop_pct": 0.9, "value_range": ...} for images of the
            size of the network, {"kind": "whole", "channels": 3, "value_range": ...} for images of
            their own size, or {"kind": "own", "settings": {...}, "value_range": ...} for a
            reader of the plugin.
    """
    value_range = ValueRange.from_record(read["value_range"]) if read["value_range"] else None
    if read["kind"] == "own":
        decode = partial(read_pixels, at_least=None, value_range=value_range, grey_jpeg=False)
        reader: ReadImage = OWN["reader"](images, root, decode, read["settings"])
        return reader
    if read["kind"] == "whole":
        return partial(_whole, channels=read["channels"], value_range=value_range)
    spec = ImageSpec(
        size=tuple(read["size"]),
        policy=read["policy"],
        channels=read["channels"],
        interpolation=read["interpolation"],
        crop_pct=read["crop_pct"],
    )
    return partial(_resized, spec=spec, value_range=value_range)


def _resized(image: Image, spec: ImageSpec, value_range: ValueRange | None) -> np.ndarray:
    pixels = read_pixels(image.path, spec.channels, max(size_before_crop(spec)), value_range)
    resized = resize_image(pixels, spec)
    if spec.policy != "partial":
        return resized
    return middle_of(resized, *height_and_width(spec.size))


def _whole(image: Image, channels: int, value_range: ValueRange | None) -> np.ndarray:
    return read_pixels(image.path, channels, None, value_range, grey_jpeg=False)


def read_pixels(
    path: Path,
    channels: int,
    at_least: int | None,
    value_range: ValueRange | None,
    grey_jpeg: bool = True,
) -> np.ndarray:
    """An image as uint8 (H, W, channels), by the same steps as `comp.data.images.decode`.

    Args:
        at_least: a JPEG may be decoded smaller if its shorter side keeps this number of pixels.
        value_range: that of images with more than 8 bits.
        grey_jpeg: whether a JPEG is decoded directly to grey for one channel.

    Raises:
        DataError: it cannot be decoded, or needs comp.
    """
    raw = _decode(path, "L" if channels == 1 and grey_jpeg else None, at_least)
    kind = kind_of(raw.values)
    if kind and not (value_range and kind in value_range.bounds):
        raise DataError(f"{path} has more than 8 bits, unlike the images of the run")
    pixels = to_channels(raw, channels, value_range, path)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _decode(path: Path, mode: str | None, at_least: int | None) -> RawImage:
    data = read_bytes(path)
    kind = format_of(path, data[:HEAD_BYTES])
    if kind == "NPY":
        return read_npy(path, data)
    problem = why_not(kind, data)
    if problem:
        raise DataError(f"{path} is {problem}, which needs comp to be read")
    return decode_picture(path, data, kind or "", mode, at_least)


def why_not(kind: str | None, data: bytes) -> str:
    """What a file is that only comp can read: "a DICOM file"; "" if Pillow reads it."""
    if kind == "DICOM":
        return "a DICOM file"
    if kind == "TIFF" and _is_special_tiff(data):
        return "a TIFF of several channels or more than 8 bits"
    return "a PNG of colours with 16 bits" if is_deep_png(kind, data) else ""


def _is_special_tiff(data: bytes) -> bool:
    """Whether Pillow drops channels or bits of a TIFF, or cannot read its header."""
    import io

    from comp.data.images.tiff import read_layout

    try:
        return bool(read_layout(io.BytesIO(data)).needs_own_reader(None))
    except Exception:  # a damaged header, which Pillow reports
        return False
