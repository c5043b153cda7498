"""Decode image files to the values that they contain: upright, but not scaled or converted.

Pillow decodes pictures: it reads the EXIF orientation and writes nothing to stderr. It accepts some
files that are not accepted here: the number of pixels is checked before decoding, and
`comp.data.images.integrity` checks that a file is complete. Pillow drops the lower bits of colours
with 16 bits; OpenCV and `comp.data.images.tiff` read these.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from comp.data.images.formats import check_pixel_count, format_of, read_bytes, unreadable
from comp.data.images.integrity import is_complete
from comp.data.images.tiff import TiffLayout, orientation_of, read_channels, read_layout
from comp.data.images.turbo import decode_turbo
from comp.errors import DataError

_CLASSES: dict[str, type[ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
_ORIENTATION, _PHOTOMETRIC = 0x0112, 0x0106
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WITH_ORIENTATION = ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp")
"""Where Pillow looks for an EXIF orientation."""
_PNG_DEPTH = 24
"""Position of the bit depth in a PNG; the colour type follows."""
_WARNINGS = threading.Lock()


@dataclass(frozen=True)
class Window:
    """The values of a DICOM image that its author wants to see: their centre and width, and the
    VOI LUT function (LINEAR, LINEAR_EXACT or SIGMOID)."""

    center: float
    width: float
    function: str = "LINEAR"


@dataclass(frozen=True)
class RawImage:
    """The values of an image: (H, W) or, with several channels, (H, W, C), RGB.

    With `alpha` there are 4 channels, and the last is opacity. In a `negative` small values are
    white.
    """

    values: np.ndarray
    alpha: bool = False
    negative: bool = False
    window: Window | None = None


def read_raw(
    path: Path, mode: str | None = None, at_least: int | None = None, bands: int | None = None
) -> RawImage:
    """Decode the first image of a file.

    Args:
        mode: "L" decodes a JPEG directly to grey.
        at_least: a JPEG may be decoded to a half, a quarter or an eighth of its size if its shorter
            side keeps this number of pixels.
        bands: the number of channels that are needed, if they are neither grey nor colours.

    Raises:
        DataError: the file is missing, or cannot be decoded completely.
    """
    data = read_bytes(path)
    kind = format_of(path, data[:132])
    if kind == "NPY":
        from comp.data.images.arrays import read_npy

        return read_npy(path, data)
    if kind == "DICOM":
        from comp.data.images.dicom import read_dicom

        return read_dicom(path, data)
    try:
        layout = read_layout(io.BytesIO(data)) if kind == "TIFF" else None
    except Exception:  # a damaged header, which Pillow reports
        layout = None
    if layout and layout.needs_own_reader(bands):
        return _read_tiff(path, data, layout, bands)
    pixels = _turbo if kind == "JPEG" else _deep_png if is_deep_png(kind, data) else None
    return decode_picture(
        path, data, kind or "", mode, at_least, partial(pixels, data) if pixels else None
    )


def is_deep_png(kind: str | None, data: bytes) -> bool:
    """Whether a file is a PNG of colours, or with opacity, whose lower bits Pillow drops."""
    head = data[_PNG_DEPTH : _PNG_DEPTH + 2]
    return kind == "PNG" and head in (b"\x10\x02", b"\x10\x04", b"\x10\x06")


def decode_picture(
    path: Path,
    data: bytes,
    kind: str,
    mode: str | None,
    at_least: int | None,
    pixels: Callable[[ImageFile.ImageFile], RawImage] | None = None,
) -> RawImage:
    """Decode a file with Pillow; `mode` and `at_least` are those of `read_raw`.

    Args:
        pixels: what decodes the picture, after Pillow has read its header.

    Raises:
        DataError: it cannot be decoded completely.
    """
    image = open_picture(path, data, kind)
    try:
        if is_complete(image.format, data):
            image.draft(mode, (at_least, at_least) if at_least else None)
            return (pixels or _pixels)(image)
    except MemoryError:
        raise
    except Exception:  # Pillow raises exceptions of many types for damaged files
        pass
    raise unreadable(path, data)


def open_picture(path: Path, data: bytes, kind: str) -> ImageFile.ImageFile:
    """Read the header of a picture with Pillow.

    Raises:
        DataError: it cannot be read, or the image has too many pixels.
    """
    try:
        with _ignored_warnings():
            image = _CLASSES[kind](io.BytesIO(data))
    except MemoryError:
        raise
    except Exception:  # as above
        raise unreadable(path, data) from None
    check_pixel_count(path, *image.size)
    return image


@contextmanager
def _ignored_warnings() -> Iterator[None]:
    """Suppress Pillow's warnings about invalid metadata.

    Warning filters belong to the whole process, so only one thread at a time may change them.
    """
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _pixels(image: ImageFile.ImageFile) -> RawImage:
    """Decode an image upright: grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4)."""
    upright, negative = load_upright(image)
    if upright.mode.startswith("I;16"):
        return RawImage(np.asarray(upright).astype(np.uint16), negative=negative)
    if upright.mode in ("I", "F"):
        return RawImage(np.array(upright))
    if upright.has_transparency_data:
        return RawImage(np.array(upright.convert("RGBA")), alpha=True)
    mode = "L" if upright.mode in ("1", "L") else "RGB"
    return RawImage(np.array(upright if upright.mode == mode else upright.convert(mode)))


def load_upright(image: ImageFile.ImageFile) -> tuple[Image.Image, bool]:
    """Decode an image and apply its EXIF orientation; the second value is `negative`."""
    negative = (
        isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == 0
    )
    image.load()
    transpose = _TRANSPOSES.get(_orientation(image))
    return image if transpose is None else image.transpose(transpose), negative


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation of a loaded image; 1 (upright) if the metadata cannot be read."""
    if image.format == "TIFF":  # Pillow has already applied the orientation
        return 1
    if not any(name in image.info for name in _WITH_ORIENTATION):
        return 1
    try:
        with _ignored_warnings():
            return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # as above
        return 1


def _turbo(data: bytes, image: ImageFile.ImageFile) -> RawImage:
    """A JPEG, by the fastest decoder that is installed."""
    values = decode_turbo(data, image.mode, image.size)
    if values is None:
        return _pixels(image)
    return RawImage(_turned(values, _orientation(image)))


def _deep_png(data: bytes, image: ImageFile.ImageFile) -> RawImage:
    """A PNG with 16 bits per channel, of colours or with opacity."""
    values = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
    order = [2, 1, 0, 3][: values.shape[2]]
    image.load()
    return RawImage(_turned(values[..., order], _orientation(image)), alpha=len(order) == 4)


def _turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """Apply an EXIF orientation to an array (H, W) or (H, W, C)."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


def _read_tiff(path: Path, data: bytes, layout: TiffLayout, bands: int | None) -> RawImage:
    """A TIFF file that Pillow cannot read, or of which it would drop channels or bits."""
    check_pixel_count(path, layout.width, layout.height)
    try:
        values = _turned(read_channels(data, layout), orientation_of(layout))
    except MemoryError:
        raise
    except Exception as error:  # as above
        raise DataError(
            f"{path}: cannot read this TIFF of {layout.samples} channels of {layout.bits} bits "
            f"({error}): save it as .npy, or replace it"
        ) from None
    if layout.has_unknown_fourth and bands != layout.samples:
        values = values[..., :3]
    alpha = layout.has_opacity and layout.samples in (2, 4)
    if alpha and layout.samples == 2:
        values = values[..., [0, 0, 0, 1]]
    grey = values.shape[2] == 1
    negative = layout.photometric == 0 and layout.kind == "u"
    return RawImage(values[..., 0] if grey else values, alpha, negative)
