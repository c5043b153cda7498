"""Read label images: masks whose values are classes or objects, not colours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from comp.data.images.formats import format_of, read_bytes, unreadable
from comp.data.images.integrity import is_complete
from comp.data.images.raw import load_upright, open_picture, read_raw
from comp.data.images.tiff import read_layout
from comp.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

_LARGEST = 2**16 - 1


def read_mask(path: Path, channels: int = 1, grey: bool = False) -> np.ndarray:
    """The values of a label image as they are stored: uint8 or uint16 (H, W, C), upright.

    A palette image gives the indices, a 1-bit image 0 and 1. Equal channels become one, and an
    opaque fourth channel is dropped. Nothing is scaled or converted.

    Args:
        channels: an image with as many channels, if they are several, keeps all of them.
        grey: a palette image of grey levels whose index 0 is not black gives the grey levels: some
            programs give white the index 0.

    Raises:
        DataError: the file is missing, cannot be decoded completely, or contains values that are
            not whole numbers from 0 to 65,535.
    """
    data = read_bytes(path)
    kind = format_of(path, data[:132])
    stored = (
        _stored_values(path, data, kind, grey) if kind in ("PNG", "TIFF", "GIF", "BMP") else None
    )
    if stored is None:
        raw = read_raw(path)
        stored = raw.values
        if kind == "NPY":  # True is 255 in an image
            loaded = np.load(io.BytesIO(data), allow_pickle=False)
            stored = loaded.astype(np.uint8) if loaded.dtype == bool else stored
    return _one_channel(_whole_numbers(path, stored), channels)


def _stored_values(path: Path, data: bytes, kind: str, grey: bool) -> np.ndarray | None:
    """The values of an image with a palette or with less than 8 bits; None for other images."""
    if kind == "TIFF":
        try:
            depth, samples = (layout := read_layout(io.BytesIO(data))).bits, layout.samples
        except Exception:  # a damaged header, which `read_raw` reports
            return None
        if samples > 1 or depth > 8:
            return None
    image = open_picture(path, data, kind)
    if kind != "TIFF":
        depth = data[24] if kind == "PNG" else 8
    if image.mode not in ("1", "L", "P"):
        return None
    try:
        if not is_complete(image.format, data):
            raise unreadable(path, data)
        values = np.array(load_upright(image)[0])
        values = _grey_levels(values, image) if grey else values
    except (MemoryError, DataError):
        raise
    except Exception:  # Pillow raises exceptions of many types for damaged files
        raise unreadable(path, data) from None
    if image.mode == "L" and depth in (2, 4):  # Pillow scales these to 0..255
        values //= 255 // (2**depth - 1)
    return values.astype(np.uint8)


def _grey_levels(values: np.ndarray, image: Image) -> np.ndarray:
    """The grey levels of the indices of a palette image; the indices if index 0 is black, or a
    colour is in use."""
    if image.mode != "P":
        return values
    palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
    colours = palette[np.unique(values)]
    if not palette[0].any() or (colours != colours[:, :1]).any():
        return values
    return np.asarray(palette[values, 0])


def _whole_numbers(path: Path, values: np.ndarray) -> np.ndarray:
    """Values as uint8 or uint16."""
    if values.dtype in (np.uint8, np.uint16):
        return values
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    if not (low >= 0 and high <= _LARGEST) or (values != np.floor(values)).any():
        raise DataError(
            f"{path} is a mask with values from {low:g} to {high:g}: save whole numbers from 0 to "
            f"{_LARGEST:,}"
        )
    return values.astype(np.uint16)


def _one_channel(values: np.ndarray, channels: int) -> np.ndarray:
    """(H, W, C), without an opaque fourth channel, and with one channel if all are equal; unchanged
    if C is `channels`."""
    if values.ndim == 2:
        return values[..., None]
    if values.shape[2] == channels:
        return values
    opaque = 255 if values.dtype == np.uint8 else _LARGEST
    if values.shape[2] == 4 and (values[..., 3] == opaque).all():
        values = values[..., :3]
    equal = values.shape[2] == 3 and (values == values[..., :1]).all()
    return np.ascontiguousarray(values[..., :1] if equal else values)
