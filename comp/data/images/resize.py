"""From a photograph of any size to the input of a classifier."""

from __future__ import annotations

import numpy as np
from PIL import Image

from comp.contract.competition import ImageSpec

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}
_GAP = 3.0
"""Above this ratio pixels are first averaged in whole blocks; Pillow calls the result close to the
one without."""


def side_of(shape: ImageSpec) -> int:
    """Pixels of the shorter side before a crop; the size where nothing is cropped."""
    cropped = shape.policy in ("crop", "partial")
    return max(shape.size, round(shape.size / shape.crop_pct)) if cropped else shape.size


def largest_image_bytes(shape: ImageSpec) -> int:
    """The most that one image of a shape takes in memory."""
    pixels = 2 * side_of(shape) ** 2 if shape.policy == "partial" else shape.size**2
    return pixels * shape.channels


def resized(image: np.ndarray, shape: ImageSpec) -> np.ndarray:
    """Bring an image, uint8 (H, W, C), to a shape by its policy: uint8 (h, w, C).

    squash: size x size, whatever the aspect. letterbox: the longer side becomes `size`, the rest is
    black on both sides. crop: the shorter side becomes round(size / crop_pct), of which the middle
    size x size is kept. partial: the same without the last crop, for random crops in training; of
    what is longer than two to one the middle is kept.

    Pillow's filters widen with the factor of a reduction, so that none aliases, as in timm's own
    evaluation (torchvision on Pillow images); nearest reduces with the mean of each area instead.
    An image that has the size already comes back as it is, not a copy.
    """
    height, width = image.shape[:2]
    short, long = sorted((height, width))
    side = side_of(shape)
    if shape.policy == "squash":
        return _scaled(image, side, side, shape.interpolation)
    if shape.policy == "letterbox":
        h, w = (max(1, round(n * side / long)) for n in (height, width))
        return _padded(_scaled(image, h, w, shape.interpolation), side)
    reach = short if shape.policy == "crop" else 2 * short
    image = _middle(image, min(height, reach), min(width, reach))  # a strip would grow huge
    height, width = image.shape[:2]
    h, w = round(height * side / short), round(width * side / short)
    scaled = _scaled(image, h, w, shape.interpolation)
    return _middle(scaled, shape.size, shape.size) if shape.policy == "crop" else scaled


def _scaled(image: np.ndarray, height: int, width: int, interpolation: str) -> np.ndarray:
    h, w, channels = image.shape
    if (h, w) == (height, width):
        return image
    if interpolation == "nearest" and (height < h or width < w):
        image = _scaled(image, min(h, height), min(w, width), "area")
    source = Image.fromarray(image[..., 0] if channels == 1 else image)
    scaled = source.resize((width, height), _FILTERS[interpolation], reducing_gap=_GAP)
    return np.array(scaled).reshape(height, width, channels)


def _padded(image: np.ndarray, side: int) -> np.ndarray:
    height, width = image.shape[:2]
    if (height, width) == (side, side):
        return image
    top, left = (side - height) // 2, (side - width) // 2
    square = np.zeros((side, side, image.shape[2]), np.uint8)
    square[top : top + height, left : left + width] = image
    return square


def _middle(image: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]
