"""Maps as pictures: heat over the image that a network sees."""

from __future__ import annotations

import numpy as np

STRENGTH = 0.65
"""The share of the colour of the map where it is highest."""


def picture_of(image: np.ndarray) -> np.ndarray:
    """An input of a network as uint8 (H, W, 3): three channels as colours, else the first as grey.

    Args:
        image: uint8, or float in 0..1, (C, H, W).
    """
    shown = image[:3] if len(image) >= 3 else np.repeat(image[:1], 3, axis=0)
    if shown.dtype != np.uint8:
        shown = (np.clip(shown, 0, 1) * 255).round().astype(np.uint8)
    return np.ascontiguousarray(shown.transpose(1, 2, 0))


def overlaid(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """An image uint8 (H, W, 3) under a map float32 (H, W) in 0..1, whose high values are coloured;
    where the map is 0 the image is grey, so that no colour of the image looks like heat."""
    import cv2

    colours = cv2.applyColorMap((heat * 255).round().astype(np.uint8), cv2.COLORMAP_INFERNO)
    grey = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    share = STRENGTH * np.sqrt(heat)[..., None]
    mixed: np.ndarray = grey * (1 - share) + colours[..., ::-1] * share
    return mixed.round().astype(np.uint8)


def heat_of(signed: np.ndarray, size: tuple[int, int], multiple: int = 1) -> np.ndarray:
    """The positive part of a map at the size of the image: float32 (H, W), whose maximum is 1; all
    0 if nothing is positive.

    Args:
        signed: (h, w) over the image, padded to a `multiple`.
    """
    full = enlarged(np.maximum(signed, 0), size, multiple)
    highest = float(full.max(initial=0.0))
    heat: np.ndarray = full / highest if highest > 0 else np.zeros_like(full)
    return heat


def enlarged(signed: np.ndarray, size: tuple[int, int], multiple: int = 1) -> np.ndarray:
    """A map at the size of the image, float32 (H, W), bilinear."""
    import cv2

    height, width = size
    padded = width + -width % multiple, height + -height % multiple
    full = cv2.resize(signed.astype(np.float32), padded, interpolation=cv2.INTER_LINEAR)
    return np.asarray(full[:height, :width], dtype=np.float32)
