"""Resized images as JPEG, for caches in which raw pixels would take too much room."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

QUALITY = 95


def encode_jpeg(image: np.ndarray) -> bytes:
    """Compress uint8 (H, W, 1) or (H, W, 3), RGB; colours keep their full resolution."""
    data = io.BytesIO()
    pixels = image[..., 0] if image.shape[2] == 1 else image
    Image.fromarray(pixels).save(data, "JPEG", quality=QUALITY, subsampling=0)
    return data.getvalue()


def decode_jpeg(data: bytes | memoryview | np.ndarray) -> np.ndarray:
    """The image of `encode_jpeg`, uint8 (H, W, C)."""
    with Image.open(io.BytesIO(bytes(data)), formats=("JPEG",)) as image:
        pixels = np.array(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def as_jpeg(image: np.ndarray) -> np.ndarray:
    """What is left of an image that was compressed."""
    return decode_jpeg(encode_jpeg(image))
