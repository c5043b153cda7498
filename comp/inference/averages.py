"""The mean of the predictions of several models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def mean_of(predictions: Iterable[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """The weighted mean of arrays of one shape, added in float64; float32."""
    total = np.zeros((), dtype=np.float64)
    for values, weight in zip(predictions, weights, strict=True):
        total = total + weight * values.astype(np.float64)
    mean: np.ndarray = (total / sum(weights)).astype(np.float32)
    return mean


class MeanImage:
    """The mean of predicted images (H, W, K), of which one is in memory at a time."""

    def __init__(self) -> None:
        self.count, self._pixels, self._values = 0, 0, 0.0
        self._shape: tuple[int, ...] = ()
        self._total: np.ndarray | None = None

    def add(self, image: np.ndarray) -> None:
        """Count an image."""
        if not self.count:
            self._shape, self._total = image.shape, image.copy()
        elif self._total is not None and image.shape == self._shape:
            self._total += image
        else:
            self._total = None
        self.count += 1
        self._pixels += image.size
        self._values += float(image.sum(dtype=np.float64))

    def of_size(self, size: tuple[int, int] | None) -> np.ndarray:
        """The mean for an image of a size (height, width): each pixel is the mean of all pixels of
        all images. If the size is not known, it is the mean of all images; if these have different
        sizes, it has that of the first."""
        if self._total is not None and size is None:
            mean: np.ndarray = self._total / np.float32(self.count)
            return mean
        shape = self._shape if size is None else (*size, *self._shape[2:])
        return np.full(shape, self._values / self._pixels, dtype=np.float32)
