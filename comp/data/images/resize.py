"""Resize images of any size to the input size of a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from comp.config.image_size import height_and_width
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


def size_before_crop(spec: ImageSpec) -> tuple[int, int]:
    """Height and width that an image covers before the crop; those of `size` if the policy does not
    crop."""
    height, width = height_and_width(spec.size)
    if spec.policy not in ("crop", "partial"):
        return height, width
    return max(height, round(height / spec.crop_pct)), max(width, round(width / spec.crop_pct))


def largest_image_bytes(spec: ImageSpec) -> int:
    """Upper bound of the bytes of one resized image."""
    partial = spec.policy == "partial"
    height, width = size_before_crop(spec) if partial else height_and_width(spec.size)
    return (2 if partial else 1) * height * width * spec.channels


def resize_image(image: np.ndarray, spec: ImageSpec) -> np.ndarray:
    """Resize an image, uint8 (H, W, C), by the policy of `spec`: uint8 (h, w, C).

    squash: to the size, without keeping the aspect ratio. letterbox: to the largest size that fits
    into it, with black margins on both sides. crop: the image just covers height / crop_pct and
    width / crop_pct, then the middle of the size is cut out. partial: the same without this last
    step, for random crops in training; what is longer than twice that is first cut to the middle.

    Pillow's filters widen with the reduction factor and avoid aliasing, as in timm's evaluation
    (torchvision on Pillow images); "nearest" reduces with the mean of each area instead. An image
    that already has the size is returned itself, not as a copy.
    """
    return RESIZES[spec.policy](image, spec)


def _squash(image: np.ndarray, spec: ImageSpec) -> np.ndarray:
    return _scaled(image, *height_and_width(spec.size), spec.interpolation)


def _letterbox(image: np.ndarray, spec: ImageSpec) -> np.ndarray:
    height, width = height_and_width(spec.size)
    inner = _fitting(image.shape[0], image.shape[1], height, width)
    return _padded(_scaled(image, *inner, spec.interpolation), height, width)


def _crop(image: np.ndarray, spec: ImageSpec) -> np.ndarray:
    covering = _covering(image, *size_before_crop(spec), 1, spec.interpolation)
    return middle_of(covering, *height_and_width(spec.size))


def _partial(image: np.ndarray, spec: ImageSpec) -> np.ndarray:
    return _covering(image, *size_before_crop(spec), 2, spec.interpolation)


RESIZES: dict[str, Callable[[np.ndarray, ImageSpec], np.ndarray]] = {
    "squash": _squash,
    "letterbox": _letterbox,
    "crop": _crop,
    "partial": _partial,
}
"""Policy -> what resizes an image by it."""


def _fitting(h: int, w: int, height: int, width: int) -> tuple[int, int]:
    """The largest size with the aspect ratio of h x w that fits into height x width."""
    if h * width >= w * height:
        return height, max(1, round(w * height / h))
    return max(1, round(h * width / w)), width


def _covering(
    image: np.ndarray, height: int, width: int, longest: int, interpolation: str
) -> np.ndarray:
    """The image with its aspect ratio, so that it just covers height x width.

    Before it is scaled, a side that would become longer than `longest` times the height or width is
    cut to its middle.
    """
    h, w = image.shape[:2]
    if h * width <= w * height:
        w = min(w, max(1, round(longest * width * h / height)))
        size = (height, min(max(width, round(w * height / h)), longest * width))
    else:
        h = min(h, max(1, round(longest * height * w / width)))
        size = (min(max(height, round(h * width / w)), longest * height), width)
    return _scaled(middle_of(image, h, w), *size, interpolation)


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
    """Resize grey (H, W) or RGB (H, W, 3) with Pillow, which has no images of other channels.

    The width changes first, then the height, and both round to whole values. Pillow chooses another
    order for some sizes since version 13, and other pixels come out.
    """
    source, how = Image.fromarray(image), _FILTERS[interpolation]
    if how == Image.Resampling.NEAREST:
        return np.array(source.resize((width, height), how))
    across, down = _blocks(source.width, width), _blocks(source.height, height)
    reduced = source.reduce((across, down)) if max(across, down) > 1 else source
    wide = (0, 0, source.width / across, reduced.height)
    right_width = reduced.resize((width, reduced.height), how, box=wide)
    high = (0, 0, width, source.height / down)
    return np.array(right_width.resize((width, height), how, box=high))


def _blocks(before: int, after: int) -> int:
    """The side of the blocks that are averaged first, as Pillow's `reducing_gap` sets it."""
    return int(before / after / _REDUCING_GAP) or 1


def _padded(image: np.ndarray, height: int, width: int) -> np.ndarray:
    h, w = image.shape[:2]
    if (h, w) == (height, width):
        return image
    top, left = (height - h) // 2, (width - w) // 2
    padded = np.zeros((height, width, image.shape[2]), np.uint8)
    padded[top : top + h, left : left + w] = image
    return padded


def middle_of(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle of an image that is at least height x width."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]
