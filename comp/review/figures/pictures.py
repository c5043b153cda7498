"""Pictures of images, masks and errors, as thumbnails."""

from __future__ import annotations

import numpy as np

from comp.page.thumbnails import thumbnail, unit_picture

SIDE = 176
"""Pixels of the longer side: masks and errors have details."""
RIGHT, FALSE, MISSED = (110, 230, 170), (222, 84, 0), (30, 90, 225)
"""Colours of pixels that are decided rightly, wrongly, and not at all. Their brightness differs,
for people who do not tell red from green."""


def input_picture(image: np.ndarray, channels: int) -> str:
    """A thumbnail of an image.

    Args:
        channels: of the image, whose further channels are not a part of the picture; 0 is all.
    """
    shown = image[..., :channels] if channels and image.shape[2] > channels else image
    return thumbnail(shown if shown.shape[2] in (1, 3) else shown[..., :1], SIDE)


def value_picture(values: np.ndarray) -> str:
    """A thumbnail of values in 0..1 (H, W, K)."""
    return thumbnail(unit_picture(values), SIDE)


def error_picture(difference: np.ndarray, largest: float) -> str:
    """A thumbnail of prediction - target (H, W, K): black is right, red is too high, blue is too
    low; an error of `largest` has the full colour."""
    mean = np.nan_to_num(difference).mean(axis=2) / (largest or 1.0)
    high, low = np.clip(mean, 0, 1), np.clip(-mean, 0, 1)
    colour = np.stack([high, np.maximum(high, low) * 0.35, low], axis=2) ** 0.6
    return thumbnail(unit_picture(colour), SIDE)


def mask_picture(image: np.ndarray, target: np.ndarray, decided: np.ndarray) -> str:
    """A thumbnail of the image in grey with a mask and its truth (H, W) over it: green is right,
    orange is decided wrongly, blue is missed."""
    grey = image[..., :3].mean(axis=2, keepdims=True).repeat(3, axis=2)
    inside, mask = target > 0, decided > 0
    for part, colour in ((inside & mask, RIGHT), (mask & ~inside, FALSE), (inside & ~mask, MISSED)):
        grey[part] = 0.45 * grey[part] + 0.55 * np.array(colour)
    return thumbnail(grey.round().astype(np.uint8), SIDE)
