"""Read image files as uint8 arrays or as label images, and write images."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from comp.data.images.raw import RawImage, read_raw
from comp.data.images.values import ValueRange, to_8_bits
from comp.errors import DataError

_BLOCK = 1 << 20
_GREY = (9798 / 2**15, 19235 / 2**15, 3735 / 2**15, 0.0)
"""Weights of red, green and blue in grey, ITU-R BT.601 as OpenCV rounds them."""


def read_gray(path: Path, value_range: ValueRange | None = None) -> np.ndarray:
    """Read any image as grey: uint8 (H, W), 0 black to 255 white; transparent areas are white.

    Args:
        value_range: the range of images with more than 8 bits, from `PreparedImages.value_range`.

    Raises:
        DataError: the file is missing, or cannot be decoded completely.
    """
    return _read(path, 1, value_range)


def read_rgb(path: Path, value_range: ValueRange | None = None) -> np.ndarray:
    """Read any image as colour: uint8 (H, W, 3), RGB; transparent areas are white.

    Raises:
        DataError: the file is missing, or cannot be decoded completely.
    """
    return _read(path, 3, value_range)


def read_image(
    path: Path,
    channels: int,
    at_least: int | None = None,
    value_range: ValueRange | None = None,
) -> np.ndarray:
    """Read any image fast: uint8 (H, W, channels), 1 channel (grey), 3 (RGB), or those of the file.

    A JPEG is decoded directly to grey if `channels` is 1, and to a half, a quarter or an eighth of
    its size as long as its shorter side keeps `at_least` pixels.

    Raises:
        DataError: the file is missing, cannot be decoded completely, or has other channels.
    """
    pixels = _read(path, channels, value_range, "L" if channels == 1 else None, at_least)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _read(
    path: Path,
    channels: int,
    value_range: ValueRange | None,
    mode: str | None = None,
    at_least: int | None = None,
) -> np.ndarray:
    """uint8, (H, W) for one channel, else (H, W, channels)."""
    raw = read_raw(path, mode, at_least, None if channels in (1, 3) else channels)
    return to_channels(raw, channels, value_range, path)


def to_channels(
    raw: RawImage, channels: int, value_range: ValueRange | None, path: Path
) -> np.ndarray:
    """The values of an image as uint8 with 1 channel, (H, W), with 3, RGB, or with its own
    `channels`, (H, W, channels); transparent areas are white.

    Raises:
        DataError: values cannot become uint8, or the image has other channels.
    """
    return with_channels(to_8_bits(raw, value_range, path), raw.alpha, channels, path)


def with_channels(pixels: np.ndarray, alpha: bool, channels: int, path: Path) -> np.ndarray:
    """An image of uint8 with other channels, as `to_channels` returns it.

    Args:
        alpha: whether the last of 4 channels is opacity.

    Raises:
        DataError: the image has other channels.
    """
    found = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels in (1, 3) and (alpha or found in (1, 3)):
        pixels = _on_white(pixels) if alpha else pixels
        return _to_gray(pixels) if channels == 1 else _to_rgb(pixels)
    if found != channels:
        raise DataError(
            f"{path} has {found} channel{'s' * (found > 1)}, and {channels} are needed: set "
            f"image.channels = {found}, or save it with {channels}"
        )
    return pixels


def displayable(raw: RawImage, value_range: ValueRange | None, path: Path) -> np.ndarray:
    """Any image as uint8 grey (H, W) or RGB (H, W, 3), to look at it; other channels are averaged.

    Raises:
        DataError: values are not finite.
    """
    pixels = to_8_bits(raw, value_range, path)
    if raw.alpha:
        return _on_white(pixels)
    several = pixels.ndim == 3 and pixels.shape[2] != 3
    return pixels.mean(axis=2).round().astype(np.uint8) if several else pixels


def _to_gray(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 2 else np.array(Image.fromarray(image).convert("L", _GREY))


def _to_rgb(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def _on_white(image: np.ndarray) -> np.ndarray:
    """Convert RGBA to RGB on white, in blocks because floats need much memory."""
    rgb = np.empty((*image.shape[:2], 3), np.uint8)
    pixels, flat = image.reshape(-1, 4), rgb.reshape(-1, 3)
    for start in range(0, len(flat), _BLOCK):
        block = slice(start, start + _BLOCK)
        alpha = pixels[block, 3:].astype(np.float32) / 255
        flat[block] = (pixels[block, :3] * alpha + 255 * (1 - alpha)).round()
    return rgb


def write_image(path: Path, image: np.ndarray) -> None:
    """Write uint8 (H, W) or (H, W, 3), RGB, in the format of the path's suffix.

    Raises:
        DataError: the image cannot be encoded.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    try:
        encoded, data = cv2.imencode(path.suffix, pixels)
    except cv2.error:
        encoded = False
    if not encoded:
        raise DataError(
            f"cannot write an image of shape {image.shape} to {path}: use another suffix, such as "
            ".png"
        )
    path.write_bytes(data.tobytes())
