"""Images from files, as uint8 arrays.

Pillow decodes: it knows how every photograph stands upright, and says nothing on stderr. What it
lets pass is checked here and in `comp.data.images.integrity`: how many pixels a file says it has, before
any is decoded, and whether it has all of them.
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
from comp.data.images.integrity import is_whole
from comp.errors import DataError

if TYPE_CHECKING:
    from comp.contract.competition import Item

MAX_PIXELS = 2**27
"""An image of more is refused before it is decoded: 11,585 x 11,585."""
MAX_FILE_BYTES = 2**30
"""A file of more is refused before it is read."""

UNREAD = "cannot read the image"
"""So begins what is said of a file that the disk does not give, which may pass."""

_KINDS: dict[bytes, type[ImageFile.ImageFile]] = {
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
"""What a file begins with, whatever its suffix."""
_ORIENTATION, _PHOTOMETRIC = 0x0112, 0x0106
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUIET = threading.Lock()
_BLOCK = 1 << 20


def read_gray(path: Path) -> np.ndarray:
    """Read any image as grey: uint8 (H, W), 0 black to 255 white; alpha is laid on white.

    Raises:
        DataError: naming the file, when it is missing or cannot be decoded whole.
    """
    return _gray(_decode(path))


def read_rgb(path: Path) -> np.ndarray:
    """Read any image as colour: uint8 (H, W, 3), red first; alpha is laid on white.

    Raises:
        DataError: naming the file, when it is missing or cannot be decoded whole.
    """
    return _rgb(_decode(path))


def read_image(path: Path, channels: int, at_least: int | None = None) -> np.ndarray:
    """Read any image quickly: uint8 (H, W, channels), 1 channel of grey or 3, red first.

    A JPEG is decoded straight to grey where grey is wanted, and to a half, a quarter or an eighth
    of its size where its shorter side stays at `at_least` pixels or more.

    Raises:
        DataError: naming the file, when it is missing or cannot be decoded whole.
    """
    image = _decode(path, "L" if channels == 1 else None, at_least)
    return _gray(image)[..., None] if channels == 1 else _rgb(image)


def _gray(image: np.ndarray) -> np.ndarray:
    image = _on_white(image)
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def _rgb(image: np.ndarray) -> np.ndarray:
    image = _on_white(image)
    return image if image.ndim == 3 else np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))


def _decode(path: Path, mode: str | None = None, at_least: int | None = None) -> np.ndarray:
    """Decode the first picture of a file, upright: uint8, (H, W), or (H, W, C) of RGB or RGBA."""
    data = _bytes(path)
    refusal = f"{path} is not a readable image ({len(data)} bytes): replace or remove it"
    try:
        image = _opened(data)
    except MemoryError:
        raise
    except Exception:  # what Pillow raises for damaged files is of every kind
        raise DataError(refusal) from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{path} has {width} x {height} pixels, more than {MAX_PIXELS:,}: make it smaller or "
            "remove it"
        )
    if image.mode == "I":
        raise DataError(f"{path} holds int32 values: save it with 8 or 16 bits")
    try:
        if is_whole(image.format, data):
            image.draft(mode, (at_least, at_least) if at_least else None)
            return _pixels(image)
    except MemoryError:
        raise
    except Exception:  # as above
        pass
    raise DataError(refusal)


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise DataError(
                f"{path} has {size:,} bytes, more than {MAX_FILE_BYTES:,}: make it smaller"
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{UNREAD} {path}: {error.strerror}") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Within it, Pillow gives no warnings of odd metadata.

    Their filters are those of the process, so one thread at a time may change them.
    """
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _opened(data: bytes) -> ImageFile.ImageFile:
    """An image of which the header is read."""
    kind = next(kind for magic, kind in _KINDS.items() if data.startswith(magic))
    with _quiet():
        return kind(io.BytesIO(data))


def _pixels(image: ImageFile.ImageFile) -> np.ndarray:
    """Decode, upright: uint8, grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4)."""
    negative = (
        isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == 0
    )
    image.load()
    turn = _TURNS.get(_orientation(image))
    upright = image if turn is None else image.transpose(turn)
    if upright.mode.startswith("I;16"):
        upper = (np.asarray(upright) >> 8).astype(np.uint8)
        return 255 - upper if negative else upper
    if upright.mode == "F":
        return _stretch(np.array(upright))
    if upright.has_transparency_data:
        return np.array(upright.convert("RGBA"))
    return np.array(upright.convert("L" if upright.mode in ("1", "L") else "RGB"))


def _orientation(image: Image.Image) -> int:
    """How a loaded image must be turned: 1, not at all, where metadata cannot be read or Pillow
    has turned it."""
    if image.format == "TIFF":
        return 1
    try:
        with _quiet():
            return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # as above
        return 1


def _on_white(image: np.ndarray) -> np.ndarray:
    """RGBA becomes RGB, by blocks, for floats take much memory; anything else stays."""
    if image.ndim == 2 or image.shape[2] != 4:
        return image
    laid = np.empty((*image.shape[:2], 3), np.uint8)
    pixels, flat = image.reshape(-1, 4), laid.reshape(-1, 3)
    for start in range(0, len(flat), _BLOCK):
        block = slice(start, start + _BLOCK)
        alpha = pixels[block, 3:].astype(np.float32) / 255
        flat[block] = (pixels[block, :3] * alpha + 255 * (1 - alpha)).round()
    return laid


def _stretch(image: np.ndarray) -> np.ndarray:
    """Floating-point images hold 0..1."""
    np.nan_to_num(image, copy=False)
    np.clip(image, 0, 1, out=image)
    image *= 255
    return np.asarray(image.round(out=image), dtype=np.uint8)


def write_image(path: Path, image: np.ndarray) -> None:
    """Write uint8 (H, W) or (H, W, 3), red first, in the format of the path's suffix.

    Raises:
        DataError: when the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    try:
        done, data = cv2.imencode(path.suffix, ordered)
    except cv2.error:
        done = False
    if not done:
        raise DataError(f"cannot write an image of shape {image.shape} to {path}")
    path.write_bytes(data.tobytes())


def read_item(sample: Sample) -> Item:
    """The default reader: the colour image, and the target as an image or as a number."""
    item = {"image": read_rgb(sample.image)}
    if isinstance(sample.target, Path):
        item["target"] = read_rgb(sample.target)
    elif sample.target is not None:
        item["target"] = np.float32(sample.target).reshape(1)
    return item
