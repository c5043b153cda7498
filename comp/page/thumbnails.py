"""Small pictures as data URIs, which a page contains."""

from __future__ import annotations

import base64

import numpy as np

SIDE = 112
"""Pixels of the longer side of a picture in a gallery."""
QUALITY = 80


def thumbnail(image: np.ndarray, side: int = SIDE) -> str:
    """A data URI of an image, resized so that its longer side has `side` pixels.

    Args:
        image: uint8 (H, W), or (H, W, C) of 1 channel, which is shown as grey, or of 3 or more, of
            which the first three are shown as colours. Smaller images are enlarged without
            smoothing.
    """
    import cv2

    shown = image[..., None] if image.ndim == 2 else image
    shown = shown[..., :3] if shown.shape[2] >= 3 else shown[..., 0]
    height, width = shown.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    resized = cv2.resize(np.ascontiguousarray(shown), size, interpolation=how)
    if resized.ndim == 3:
        resized = cv2.cvtColor(resized, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".webp", resized, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    return "data:image/webp;base64," + base64.b64encode(encoded.tobytes()).decode()


def unit_picture(values: np.ndarray) -> np.ndarray:
    """Values in 0..1 (H, W, C), such as a mask or a restored image, as uint8 (H, W, C)."""
    shown = values if values.shape[2] == 3 else values[..., :1]
    pixels: np.ndarray = (np.clip(np.nan_to_num(shown), 0, 1) * 255).round().astype(np.uint8)
    return pixels
