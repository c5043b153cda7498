"""Synthetic images of classes, for competitions without a drawing function of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from comp.data.images.decode import write_image


def draw_stripes(
    folder: Path | Sequence[Path], rng: Generator, prefix: str, count: int, classes: int
) -> list[tuple[str, int]]:
    """Write `count` PNG images into a folder, or into several in turn, the classes in turn; return
    each name and class.

    The class sets the width and the colour of the stripes. Their direction, position and
    brightness, the image size (64 to 128 pixels a side) and the noise are random, so flips and
    rotations do not change the class.
    """
    folders = [folder] if isinstance(folder, Path) else folder
    drawn = []
    for i in range(count):
        name, label = f"{prefix}{i:04d}", i % classes
        write_image(folders[i % len(folders)] / f"{name}.png", stripes(rng, label, classes))
        drawn.append((name, label))
    return drawn


def stripes(rng: Generator, label: int, classes: int) -> np.ndarray:
    """Stripes of class `label`, of `classes` classes: uint8 (H, W, 3)."""
    height, width = rng.integers(64, 129, 2)
    rows, columns = np.indices((height, width), dtype=np.float32)
    angle, phase = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
    cycles = 2 + 12 * (label + rng.uniform(0.3, 0.7)) / classes
    along = rows / height * np.sin(angle) + columns / width * np.cos(angle)
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * cycles * along + phase)
    hue = 180 * (label + rng.uniform(-0.3, 0.3)) / classes % 180
    light = rng.uniform(140, 230) * (0.3 + 0.7 * wave) + rng.normal(0, 25, wave.shape)
    pixels = np.dstack([np.full_like(wave, hue), np.full_like(wave, 90), light.clip(0, 255)])
    return np.asarray(cv2.cvtColor(pixels.astype(np.uint8), cv2.COLOR_HSV2RGB))
