"""What an image looks like, in some numbers: its file, its light, its colours, its detail."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from comp.data.images.formats import HEAD_BYTES, format_of

Appearance = Mapping[str, float | str]
"""Name of a statistic -> its value, a text for a property such as the format; NaN if an image does
not have it."""

LONGEST = 512
"""An image with a longer side, in pixels, is reduced to it before it is measured."""
COLOURS = 64
"""The longer side in pixels at which the saturation is measured."""
LEVELS = 5
"""Sizes of detail that are measured, each twice the one before it."""
CELLS = 4
"""The light is measured in a grid of this many rows and columns."""
LUMA_MEAN = 57.625
"""Mean of the quantization table of brightness at a JPEG quality of 50 (ITU-T T.81, table K.1)."""


def appearance(pixels: np.ndarray, path: Path) -> Appearance:
    """All statistics of an image, uint8 (H, W) or (H, W, C) RGB, and of its file.

    The file is opened for its header alone. A header that Pillow cannot read gives no statistics
    but the format.
    """
    height, width = pixels.shape[:2]
    sides = {"width": float(width), "height": float(height), "aspect ratio": width / height}
    return sides | header_statistics(path) | pixel_statistics(pixels)


def header_statistics(path: Path) -> dict[str, float | str]:
    """What the header of an image file shows: its size, format, mode, and how much it is
    compressed. `JPEG quality` is that of libjpeg, and NaN in other files."""
    from PIL import Image

    found: dict[str, float | str] = {}
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        found["format"] = format_of(path, head) or "other"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about damaged EXIF data
            with Image.open(path) as image:
                width, height, tables = *image.size, getattr(image, "quantization", None)
                found |= {"mode": image.mode}
    except Exception:  # Pillow raises exceptions of many types for files that it does not know
        return found
    return found | {
        "width": float(width),
        "height": float(height),
        "aspect ratio": width / height,
        "bits per pixel": 8 * size / (width * height),
        "JPEG quality": _quality(tables) if tables else np.nan,
    }


def _quality(tables: Mapping[int, Sequence[int]]) -> float:
    """The quality, 1 to 100, with which libjpeg scales its standard table to that of the file
    (jpeg_quality_scaling in jcparam.c, solved for the quality)."""
    scale = 100 * float(np.mean(tables[min(tables)])) / LUMA_MEAN
    return round(100 - scale / 2 if scale <= 100 else 5000 / scale, 1)


def pixel_statistics(pixels: np.ndarray) -> dict[str, float | str]:
    """What the pixels of an image show, uint8 (H, W) or (H, W, C); all but colours in grey levels.

    `brightness` and its `deviation` are the mean and the standard deviation, `contrast` is the
    distance of the 5th and the 95th percentile. `sharpness` is the variance of the Laplacian
    (Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, 2000). `detail N px` is the
    logarithm of the variance in a level of the Laplacian pyramid (Burt and Adelson, 1983), and
    `light in cell R,C` the brightness in row R and column C of a grid, standardized in
    each image.
    """
    reduced = _reduced(pixels)
    grey = _grey(reduced)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(grey))
    shares = np.cumsum(np.bincount(grey.ravel(), minlength=256)) / grey.size
    dark, light = (float(level) for level in np.searchsorted(shares, [0.05, 0.95]))
    laplacian = cv2.Laplacian(grey, cv2.CV_32F)
    found: dict[str, float | str] = {
        "brightness": mean,
        "deviation": deviation,
        "contrast": light - dark,
        "sharpness": float(cv2.meanStdDev(laplacian)[1][0, 0] ** 2),
        "border": _border(grey) - mean,
    }
    return found | _colours(reduced) | _details(grey) | _layout(grey, deviation)


def _reduced(pixels: np.ndarray, most: int = LONGEST) -> np.ndarray:
    """An image whose longer side has at most `most` pixels."""
    longest = max(pixels.shape[:2])
    if longest <= most:
        return np.ascontiguousarray(pixels)
    height, width = (max(1, round(side * most / longest)) for side in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))


def _grey(pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    return np.asarray(pixels.mean(axis=2).round().astype(np.uint8))


def _colours(pixels: np.ndarray) -> dict[str, float | str]:
    """Mean saturation, 0..1, and how much redder than blue the mean is; 0 for grey images."""
    if pixels.ndim == 2 or pixels.shape[2] != 3:
        return {"saturation": 0.0, "red - blue": 0.0}
    small = _reduced(pixels, COLOURS)
    high, low = small.max(axis=2).astype(np.float32), small.min(axis=2)
    red, _, blue = cv2.mean(pixels)[:3]
    return {
        "saturation": float(((high - low) / np.maximum(high, 1)).mean()),
        "red - blue": float(red - blue),
    }


def _border(grey: np.ndarray) -> float:
    """Mean brightness of a frame of a twentieth of the shorter side."""
    frame = max(1, min(grey.shape) // 20)
    inner = grey[frame:-frame, frame:-frame]
    total = grey.size * cv2.mean(grey)[0]
    if inner.size:
        total -= inner.size * cv2.mean(np.ascontiguousarray(inner))[0]
    return float(total / max(1, grey.size - inner.size))


def _details(grey: np.ndarray) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    level = grey.astype(np.float32)
    for step in range(LEVELS):
        smaller = cv2.pyrDown(level)
        lost = level - cv2.pyrUp(smaller, dstsize=level.shape[::-1])
        variance = float(cv2.meanStdDev(lost)[1][0, 0] ** 2)
        found[f"detail {2**step} px"] = float(np.log(variance + 1e-3))
        level = smaller
    return found


def _layout(grey: np.ndarray, deviation: float) -> dict[str, float | str]:
    grid = cv2.resize(grey.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    grid = (grid - grid.mean()) / max(deviation, 1.0)
    cells = np.ndenumerate(grid)
    return {
        f"light in cell {row + 1},{column + 1} of {CELLS}x{CELLS}": float(value)
        for (row, column), value in cells
    }


def appearance_values(images: Sequence[Appearance]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The statistics of images as numbers, float64 (N, F), and their names; a property such as the
    format becomes one column of 0 and 1 for each of its values. Columns of one value are left
    out."""
    names = list(dict.fromkeys(name for image in images for name in image))
    columns: dict[str, np.ndarray] = {}
    for name in names:
        cells: list[Any] = [image.get(name, np.nan) for image in images]
        texts = sorted({cell for cell in cells if isinstance(cell, str)})
        if texts:
            for text in texts:
                columns[f"{name} {text}"] = np.array([cell == text for cell in cells], np.float64)
        else:
            columns[name] = np.array(cells, dtype=np.float64)
    varied = {name: column for name, column in columns.items() if _varies(column)}
    empty = np.zeros((len(images), 0))
    return (np.stack(list(varied.values()), axis=1) if varied else empty), tuple(varied)


def _varies(column: np.ndarray) -> bool:
    present = column[~np.isnan(column)]
    gaps = len(present) < len(column)
    return bool(len(present)) and (gaps or bool((present != present[0]).any()))
