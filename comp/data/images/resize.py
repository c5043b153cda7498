"""Resize images of any size to the input size of a network."""

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
_REDUCING_GAP = 3.0
"""Pillow's `reducing_gap`: stronger reductions first average whole blocks of pixels. Pillow
describes the result as close to the one without this step."""


def side_before_crop(spec: ImageSpec) -> int:
    """Pixels of the shorter side before the crop; `size` if the policy does not crop."""
    cropped = spec.policy in ("crop", "partial")
    return max(spec.size, round(spec.size / spec.crop_pct)) if cropped else spec.size


def largest_image_bytes(spec: ImageSpec) -> int:
    """Upper bound of the bytes of one resized image."""
    pixels = 2 * side_before_crop(spec) ** 2 if spec.policy == "partial" else spec.size**2
    return pixels * spec.channels


def resize_image(image: np.ndarray, spec: ImageSpec) -> np.ndarray:
    """Resize an image, uint8 (H, W, C), by the policy of `spec`: uint8 (h, w, C).

    squash: to size x size, without keeping the aspect ratio. letterbox: the longer side becomes
    `size`, with black margins on both sides. crop: the shorter side becomes round(size / crop_pct),
    then the middle size x size is cut out. partial: the same without this last step, for random
    crops in training; images longer than 2:1 are first cut to their middle.

    Pillow's filters widen with the reduction factor and avoid aliasing, as in timm's evaluation
    (torchvision on Pillow images); "nearest" reduces with the mean of each area instead. An image
    that already has the size is returned itself, not as a copy.
    """
    height, width = image.shape[:2]
    short, long = sorted((height, width))
    side = side_before_crop(spec)
    if spec.policy == "squash":
        return _scaled(image, side, side, spec.interpolation)
    if spec.policy == "letterbox":
        h, w = (max(1, round(n * side / long)) for n in (height, width))
        return _padded(_scaled(image, h, w, spec.interpolation), side)
    longest = short if spec.policy == "crop" else 2 * short
    image = _middle(image, min(height, longest), min(width, longest))  # limits very long images
    height, width = image.shape[:2]
    h, w = round(height * side / short), round(width * side / short)
    scaled = _scaled(image, h, w, spec.interpolation)
    return _middle(scaled, spec.size, spec.size) if spec.policy == "crop" else scaled


def _scaled(image: np.ndarray, height: int, width: int, interpolation: str) -> np.ndarray:
    h, w, channels = image.shape
    if (h, w) == (height, width):
        return image
    if interpolation == "nearest" and (height < h or width < w):
        image = _scaled(image, min(h, height), min(w, width), "area")
    parts = [image] if channels == 3 else list(np.moveaxis(image, 2, 0))
    scaled = [_resized(part, height, width, interpolation) for part in parts]
    return np.concatenate([part.reshape(height, width, -1) for part in scaled], axis=2)


def _resized(image: np.ndarray, height: int, width: int, interpolation: str) -> np.ndarray:
    """Resize grey (H, W) or RGB (H, W, 3) with Pillow, which has no images of other channels."""
    source = Image.fromarray(image)
    return np.array(
        source.resize((width, height), _FILTERS[interpolation], reducing_gap=_REDUCING_GAP)
    )


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
