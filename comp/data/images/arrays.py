"""Read images that were saved with numpy: .npy files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from comp.data.images.formats import check_pixel_count, unreadable
from comp.data.images.raw import RawImage
from comp.errors import DataError

_MOST_CHANNELS = 64


def read_npy(path: Path, data: bytes) -> RawImage:
    """The array of a .npy file, (H, W) or (H, W, C). True is 255, as the white of a 1-bit image.

    Raises:
        DataError: the file is damaged, or the array is not an image.
    """
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except MemoryError:
        raise
    except Exception:  # numpy raises exceptions of many types for damaged files
        raise unreadable(path, data) from None
    _check_array(path, values)
    if values.dtype == bool:
        values = np.where(values, np.uint8(255), np.uint8(0))
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    return RawImage(native[..., 0] if native.ndim == 3 and native.shape[2] == 1 else native)


def _check_array(path: Path, values: np.ndarray) -> None:
    shape = values.shape
    if values.dtype.kind not in "buif" or values.ndim not in (2, 3) or 0 in shape:
        raise DataError(
            f"{path} contains an array {values.dtype} of shape {shape}: save numbers of shape "
            "(height, width) or (height, width, channels)"
        )
    if values.ndim == 3 and shape[0] < 16 < shape[2]:
        raise DataError(
            f"{path} has the shape {shape}, which looks like channels first: save "
            "array.transpose(1, 2, 0), of shape (height, width, channels)"
        )
    if values.ndim == 3 and shape[2] > _MOST_CHANNELS:
        raise DataError(
            f"{path} has {shape[2]} channels, more than {_MOST_CHANNELS}: save an array of shape "
            "(height, width, channels)"
        )
    check_pixel_count(path, shape[1], shape[0])
