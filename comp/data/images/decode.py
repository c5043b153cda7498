"""Read and write image files as uint8 arrays.

Pillow decodes: it reads the EXIF orientation and writes nothing to stderr. It accepts some files
that are not accepted here: this module checks the number of pixels before decoding, and
`comp.data.images.integrity` checks that a file is complete.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

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

from comp.contract.competition import Sample
from comp.data.images.integrity import is_complete
from comp.errors import DataError

if TYPE_CHECKING:
    from comp.contract.competition import Item

MAX_PIXELS = 2**27
"""An image with more pixels (11,585 x 11,585) is refused before it is decoded."""
MAX_FILE_BYTES = 2**30
"""A larger file is refused before it is read."""

READ_ERROR = "cannot read the image"
"""Message prefix for read errors that may be temporary."""

_FORMATS: dict[bytes, type[ImageFile.ImageFile]] = {
    b"\x89PNG\r\n\x1a\n": PngImagePlugin.PngImageFile,
    b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
    b"RIFF": WebPImagePlugin.WebPImageFile,
    b"BM": BmpImagePlugin.BmpImageFile,
    b"II*\0": TiffImagePlugin.TiffImageFile,
    b"MM\0*": TiffImagePlugin.TiffImageFile,
    b"II+\0": TiffImagePlugin.TiffImageFile,
    b"GIF87a": GifImagePlugin.GifImageFile,
    b"GIF89a": GifImagePlugin.GifImageFile,
}
"""First bytes of a file -> its format; suffixes can be wrong."""
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
_WARNINGS = threading.Lock()
_BLOCK = 1 << 20


def read_gray(path: Path) -> np.ndarray:
    """Read any image as grey: uint8 (H, W), 0 black to 255 white; transparent areas are white.

    Raises:
        DataError: the file is missing, or cannot be decoded completely.
    """
    return _to_gray(_decode(path))


def read_rgb(path: Path) -> np.ndarray:
    """Read any image as colour: uint8 (H, W, 3), RGB; transparent areas are white.

    Raises:
        DataError: the file is missing, or cannot be decoded completely.
    """
    return _to_rgb(_decode(path))


def read_image(path: Path, channels: int, at_least: int | None = None) -> np.ndarray:
    """Read any image fast: uint8 (H, W, channels), 1 channel (grey) or 3 (RGB).

    A JPEG is decoded directly to grey if `channels` is 1, and to a half, a quarter or an eighth of
    its size as long as its shorter side keeps `at_least` pixels.

    Raises:
        DataError: the file is missing, or cannot be decoded completely.
    """
    image = _decode(path, "L" if channels == 1 else None, at_least)
    return _to_gray(image)[..., None] if channels == 1 else _to_rgb(image)


def _to_gray(image: np.ndarray) -> np.ndarray:
    image = _on_white(image)
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def _to_rgb(image: np.ndarray) -> np.ndarray:
    image = _on_white(image)
    return image if image.ndim == 3 else np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))


def _decode(path: Path, mode: str | None = None, at_least: int | None = None) -> np.ndarray:
    """Decode the first image of a file, upright: uint8 (H, W), or (H, W, C) for RGB or RGBA."""
    data = _read_bytes(path)
    message = f"{path} is not a readable image ({len(data)} bytes): replace or remove it"
    try:
        image = _open(data)
    except MemoryError:
        raise
    except Exception:  # Pillow raises exceptions of many types for damaged files
        raise DataError(message) from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{path} has {width} x {height} pixels, more than {MAX_PIXELS:,}: make it smaller or "
            "remove it"
        )
    if image.mode == "I":
        raise DataError(f"{path} holds int32 values: save it with 8 or 16 bits")
    try:
        if is_complete(image.format, data):
            image.draft(mode, (at_least, at_least) if at_least else None)
            return _pixels(image)
    except MemoryError:
        raise
    except Exception:  # as above
        pass
    raise DataError(message)


def _read_bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise DataError(
                f"{path} has {size:,} bytes, more than {MAX_FILE_BYTES:,}: make it smaller"
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{READ_ERROR} {path}: {error.strerror}") from None


@contextmanager
def _ignored_warnings() -> Iterator[None]:
    """Suppress Pillow's warnings about invalid metadata.

    Warning filters belong to the whole process, so only one thread at a time may change them.
    """
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(data: bytes) -> ImageFile.ImageFile:
    """Read the header of an image."""
    image_class = next(kind for magic, kind in _FORMATS.items() if data.startswith(magic))
    with _ignored_warnings():
        return image_class(io.BytesIO(data))


def _pixels(image: ImageFile.ImageFile) -> np.ndarray:
    """Decode an image upright: uint8, grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4)."""
    negative = (
        isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == 0
    )
    image.load()
    transpose = _TRANSPOSES.get(_orientation(image))
    upright = image if transpose is None else image.transpose(transpose)
    if upright.mode.startswith("I;16"):
        upper = (np.asarray(upright) >> 8).astype(np.uint8)
        return 255 - upper if negative else upper
    if upright.mode == "F":
        return _from_unit(np.array(upright))
    if upright.has_transparency_data:
        return np.array(upright.convert("RGBA"))
    return np.array(upright.convert("L" if upright.mode in ("1", "L") else "RGB"))


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation of a loaded image; 1 (upright) if the metadata cannot be read."""
    if image.format == "TIFF":  # Pillow has already applied the orientation
        return 1
    try:
        with _ignored_warnings():
            return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # as above
        return 1


def _on_white(image: np.ndarray) -> np.ndarray:
    """Convert RGBA to RGB on white, in blocks because floats need much memory; return other images
    as they are."""
    if image.ndim == 2 or image.shape[2] != 4:
        return image
    rgb = np.empty((*image.shape[:2], 3), np.uint8)
    pixels, flat = image.reshape(-1, 4), rgb.reshape(-1, 3)
    for start in range(0, len(flat), _BLOCK):
        block = slice(start, start + _BLOCK)
        alpha = pixels[block, 3:].astype(np.float32) / 255
        flat[block] = (pixels[block, :3] * alpha + 255 * (1 - alpha)).round()
    return rgb


def _from_unit(image: np.ndarray) -> np.ndarray:
    """Convert floats in 0..1 to uint8, in place."""
    np.nan_to_num(image, copy=False)
    np.clip(image, 0, 1, out=image)
    image *= 255
    return np.asarray(image.round(out=image), dtype=np.uint8)


def write_image(path: Path, image: np.ndarray) -> None:
    """Write uint8 (H, W) or (H, W, 3), RGB, in the format of the path's suffix.

    Raises:
        DataError: the image cannot be encoded.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    try:
        encoded, data = cv2.imencode(path.suffix, pixels)
    except cv2.error:
        encoded = False
    if not encoded:
        raise DataError(
            f"cannot write an image of shape {image.shape} to {path}: use another suffix, such as "
            ".png"
        )
    path.write_bytes(data.tobytes())


def read_item(sample: Sample) -> Item:
    """The default reader: the colour image, and the target image or label if it is known."""
    item = {"image": read_rgb(sample.image)}
    if isinstance(sample.target, Path):
        item["target"] = read_rgb(sample.target)
    elif sample.target is not None:
        item["target"] = np.float32(sample.target).reshape(1)
    return item
