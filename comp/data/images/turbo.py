"""Decodes JPEGs with libjpeg-turbo alone, if the package simplejpeg is installed.

The pixels are those of Pillow, which uses the same library, in about half the time. A file in which
the library finds anything wrong is left to Pillow, so that the same files are refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

BLOCK = 8
"""The side of a JPEG's blocks in pixels; the library decodes smaller images at a smaller scale."""
_SPACES = {"L": "GRAY", "RGB": "RGB"}


def decode_turbo(data: bytes, mode: str, size: tuple[int, int]) -> np.ndarray | None:
    """Grey (H, W) or RGB (H, W, 3), not turned upright; None if Pillow must decode the file.

    Args:
        mode: Pillow's, of the result.
        size: width and height of the result: those of the file, or the smaller ones of
            `ImageFile.draft`.
    """
    decode = _decoder()
    if decode is None or mode not in _SPACES or max(size) < BLOCK:
        return None
    width, height = size
    try:
        values = np.asarray(
            decode(
                data,
                _SPACES[mode],
                min_height=height,
                min_width=width,
                min_factor=1,
                strict=True,  # also of what the library could repair
            )
        )
    except MemoryError:
        raise
    except Exception:  # of types that depend on the version
        return None
    if values.shape[:2] != (height, width):
        return None
    return values[..., 0] if mode == "L" else values


@functools.cache
def _decoder() -> Callable[..., Any] | None:
    try:
        from simplejpeg import decode_jpeg
    except ImportError:  # not installed, or built for other libraries
        return None
    decode: Callable[..., Any] = decode_jpeg
    return decode
