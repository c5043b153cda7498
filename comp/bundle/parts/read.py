"""Reads the images of a bundle, as the section `read` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from comp.bundle.parts.images import Image
from comp.bundle.parts.kinds import of_kind
from comp.bundle.parts.own import OWN
from comp.config.image_size import height_and_width
from comp.contract.competition import ImageSpec
from comp.data.images.arrays import read_npy
from comp.data.images.decode import to_channels, with_channels
from comp.data.images.formats import HEAD_BYTES, format_of, read_bytes
from comp.data.images.jpeg import as_jpeg
from comp.data.images.raw import RawImage, decode_picture, is_deep_png
from comp.data.images.resize import RESIZES, middle_of, resize_image, size_before_crop
from comp.data.images.values import ValueRange, kind_of
from comp.errors import DataError

ReadImage = Callable[[Image], np.ndarray]
"""An image -> uint8 (H, W, C). Raises DataError for a file that cannot be decoded."""
ToBytes = Callable[[RawImage, int, Path], np.ndarray]
"""(values, channels, path) -> uint8 (H, W) or (H, W, channels)."""
SPECIAL_TIFF = "a TIFF of several channels or more than 8 bits"
DEEP_PNG = "a PNG of colours with 16 bits"


def make_reader(images: Sequence[Image], root: Path, read: Mapping[str, Any]) -> ReadImage:
    """The reader of the run's images.

    Args:
        images: all images of the test.
        root: the data.
        read: {"kind": "resized", "size": [224, 224], "policy": "squash", "channels": 3,
            "interpolation": "bilinear", "crop_pct": 0.9, "value_range": ...} for images of the
            size of the network, and "compressed" for the same after JPEG, {"kind": "whole",
            "channels": 3, "value_range": ...} for images of their own size, or {"kind": "own",
            "settings": {...}, "value_range": ...} for a reader of the plugin.
    """
    depth = "more bits" if read["value_range"] else "8 bits"
    to_bytes = partial(of_kind(DEPTHS, depth, "depth of images"), read["value_range"])
    return of_kind(READERS, read["kind"], "reader")(images, root, read, to_bytes)


def _resized_reader(
    _images: Sequence[Image], _root: Path, read: Mapping[str, Any], to_bytes: ToBytes
) -> ReadImage:
    return partial(_resized, spec=_spec(read), to_bytes=to_bytes)


def _compressed_reader(
    _images: Sequence[Image], _root: Path, read: Mapping[str, Any], to_bytes: ToBytes
) -> ReadImage:
    return partial(_resized, spec=_spec(read), to_bytes=to_bytes, change=as_jpeg)


def _spec(read: Mapping[str, Any]) -> ImageSpec:
    of_kind(RESIZES, read["policy"], "image.resize")
    return ImageSpec(
        size=tuple(read["size"]),
        policy=read["policy"],
        channels=read["channels"],
        interpolation=read["interpolation"],
        crop_pct=read["crop_pct"],
    )


def _resized(
    image: Image,
    spec: ImageSpec,
    to_bytes: ToBytes,
    change: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    pixels = read_pixels(image.path, spec.channels, max(size_before_crop(spec)), to_bytes)
    resized = resize_image(pixels, spec)
    resized = change(resized) if change else resized
    if spec.policy != "partial":
        return resized
    return middle_of(resized, *height_and_width(spec.size))


def _whole_reader(
    _images: Sequence[Image], _root: Path, read: Mapping[str, Any], to_bytes: ToBytes
) -> ReadImage:
    return partial(_whole, channels=read["channels"], to_bytes=to_bytes)


def _whole(image: Image, channels: int, to_bytes: ToBytes) -> np.ndarray:
    return read_pixels(image.path, channels, None, to_bytes, grey_jpeg=False)


def _own_reader(
    images: Sequence[Image], root: Path, read: Mapping[str, Any], to_bytes: ToBytes
) -> ReadImage:
    decode = partial(read_pixels, at_least=None, to_bytes=to_bytes, grey_jpeg=False)
    reader: ReadImage = OWN["reader"](images, root, decode, read["settings"])
    return reader


def read_pixels(
    path: Path,
    channels: int,
    at_least: int | None,
    to_bytes: ToBytes,
    grey_jpeg: bool = True,
) -> np.ndarray:
    """An image as uint8 (H, W, channels), by the same steps as `comp.data.images.decode`.

    Args:
        at_least: a JPEG may be decoded smaller if its shorter side keeps this number of pixels.
        to_bytes: makes uint8 of the values in a file.
        grey_jpeg: whether a JPEG is decoded directly to grey for one channel.

    Raises:
        DataError: it cannot be decoded, or needs comp.
    """
    raw = _decode(path, "L" if channels == 1 and grey_jpeg else None, at_least)
    pixels = to_bytes(raw, channels, path)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _eight_bits(_record: None, raw: RawImage, channels: int, path: Path) -> np.ndarray:
    """The values of an image with 8 bits."""
    if raw.values.dtype != np.uint8:
        raise DataError(f"{path} has more than 8 bits, unlike the images of the run")
    pixels = 255 - raw.values if raw.negative else raw.values
    return with_channels(pixels, raw.alpha, channels, path)


def _more_bits(record: Mapping[str, Any], raw: RawImage, channels: int, path: Path) -> np.ndarray:
    """The values of an image with 8 bits, or with more bits and the range of the run."""
    value_range, kind = ValueRange.from_record(record), kind_of(raw.values)
    if kind and kind not in value_range.bounds:
        raise DataError(f"{path} has more than 8 bits, unlike the images of the run")
    return to_channels(raw, channels, value_range, path)


def _decode(path: Path, mode: str | None, at_least: int | None) -> RawImage:
    data = read_bytes(path)
    kind = format_of(path, data[:HEAD_BYTES])
    if kind in ("DICOM", "NPY", "TIFF"):
        if kind not in DECODERS:
            raise DataError(f"{path} is a {kind} file, unlike the test images of the run")
        return DECODERS[kind](path, data)
    if is_deep_png(kind, data):
        raise DataError(f"{path} is {DEEP_PNG}, which needs comp to be read")
    return decode_picture(path, data, kind or "", mode, at_least)


def _decode_tiff(path: Path, data: bytes) -> RawImage:
    if _is_special_tiff(data):
        raise DataError(f"{path} is {SPECIAL_TIFF}, which needs comp to be read")
    return decode_picture(path, data, "TIFF", None, None)


def _is_special_tiff(data: bytes) -> bool:
    """Whether Pillow drops channels or bits of a TIFF, or cannot read its header."""
    import io

    from comp.data.images.tiff import read_layout

    try:
        return bool(read_layout(io.BytesIO(data)).needs_own_reader(None))
    except Exception:  # a damaged header, which Pillow reports
        return False


def why_not(kind: str | None, data: bytes) -> str:
    """What a file is that only comp can read: "a DICOM file"; "" if Pillow reads it."""
    if kind == "DICOM":
        return "a DICOM file"
    if kind == "TIFF" and _is_special_tiff(data):
        return SPECIAL_TIFF
    return DEEP_PNG if is_deep_png(kind, data) else ""


READERS: dict[str, Callable[..., ReadImage]] = {
    "resized": _resized_reader,
    "compressed": _compressed_reader,
    "whole": _whole_reader,
    "own": _own_reader,
}
"""Kind of the section -> what makes the reader."""
DEPTHS: dict[str, Callable[..., np.ndarray]] = {
    "8 bits": _eight_bits,
    "more bits": _more_bits,
}
"""What the images of the run have -> what makes uint8 of their values."""
DECODERS: dict[str, Callable[[Path, bytes], RawImage]] = {
    "NPY": read_npy,
    "TIFF": _decode_tiff,
}
"""Format -> what decodes such a file. Pillow decodes the others."""
