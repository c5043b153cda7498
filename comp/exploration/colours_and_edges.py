"""Colours and edges of images as numbers: what can be compared without pretrained weights."""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 64
"""Pixels of the sides of the image that is described."""
CELLS = 4
"""Colours and edges are described in a grid of this many rows and columns."""
DIRECTIONS = 8
"""Directions of edges, from 0 to 180 degrees."""
LEVELS = 8
"""Levels of each channel in the histogram of colours."""
WIDTH = 3 * CELLS**2 + DIRECTIONS * CELLS**2 + 3 * LEVELS
"""Numbers of an image."""


def colours_and_edges(pixels: np.ndarray) -> np.ndarray:
    """Describe an image, uint8 (H, W) or (H, W, 3) RGB: float32 (200,).

    They are the mean colour in each cell of a grid, the histogram of oriented gradients in each
    cell (Dalal and Triggs, Histograms of oriented gradients for human detection, 2005), and the
    histogram of each channel.
    """
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    colour = small if small.ndim == 3 else np.repeat(small[..., None], 3, axis=2)
    unit = colour.astype(np.float32) / 255
    cells = cv2.resize(unit, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    levels = [np.histogram(unit[..., c], LEVELS, (0, 1))[0] / SIDE**2 for c in range(3)]
    return np.concatenate([cells.ravel(), _edges(unit.mean(axis=2)), *levels]).astype(np.float32)


def _edges(grey: np.ndarray) -> np.ndarray:
    """The strength of the edges of each cell and direction, in the length 1 of each cell."""
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    strength = np.hypot(across, down)
    direction = (np.arctan2(down, across) % np.pi / np.pi * DIRECTIONS).astype(int) % DIRECTIONS
    step = SIDE // CELLS
    row, column = np.indices(grey.shape) // step
    index = (row * CELLS + column) * DIRECTIONS + direction
    sums = np.bincount(index.ravel(), strength.ravel(), CELLS**2 * DIRECTIONS)
    cells = sums.reshape(CELLS**2, DIRECTIONS)
    return np.asarray((cells / (np.linalg.norm(cells, axis=1, keepdims=True) + 0.1)).ravel())
