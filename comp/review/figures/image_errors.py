"""Errors of predicted images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from comp.contract.metric import Metric, Pair, own_arrays
from comp.review.figures.image_items import ImageItem

LEVELS = 10
"""Parts of the range of true values."""
BINS = 81
"""Bins of the histogram of errors, an odd number, so that 0 is in the middle of one."""


@dataclass(frozen=True, kw_only=True)
class ImageRow:
    """The errors of one image; an error is prediction - target."""

    id: str
    fold: int
    score: float
    """The metric of this image alone."""
    rmse: float
    bias: float
    """The mean error."""
    untouched: float | None
    """The RMSE of the image itself, if it is not restored; None if it cannot be compared."""


@dataclass
class ErrorSums:
    """What all pixels say together, collected image by image."""

    edges: np.ndarray = field(default_factory=lambda: np.linspace(-1, 1, BINS + 1))
    """Of the histogram of errors; larger ones count in the last bin."""
    histogram: np.ndarray = field(default_factory=lambda: np.zeros(BINS))
    low: float = 0.0
    """The lowest true value, and the highest: the range of the levels."""
    high: float = 1.0
    square: np.ndarray = field(default_factory=lambda: np.zeros(LEVELS))
    """The sum of squared errors by the true value."""
    total: np.ndarray = field(default_factory=lambda: np.zeros(LEVELS))
    """The sum of errors by the true value."""
    count: np.ndarray = field(default_factory=lambda: np.zeros(LEVELS))

    def add(self, target: np.ndarray, error: np.ndarray) -> None:
        """Add the pixels of an image."""
        place = (target - self.low) / (self.high - self.low) * LEVELS
        level = np.clip(place, 0, LEVELS - 1).astype(np.int64).ravel()
        flat = error.ravel().astype(np.float64)
        self.square += np.bincount(level, flat**2, minlength=LEVELS)
        self.total += np.bincount(level, flat, minlength=LEVELS)
        self.count += np.bincount(level, minlength=LEVELS)
        self.histogram += np.histogram(np.clip(flat, -1, 1), self.edges)[0]

    @property
    def rmse(self) -> float:
        """The RMSE of all pixels."""
        return float((self.square.sum() / self.count.sum()) ** 0.5)


def image_rows(
    items: Iterable[ImageItem], metric: Metric, restores: bool
) -> tuple[list[ImageRow], ErrorSums]:
    """The errors of each image, and of all pixels.

    Args:
        restores: the target is the image itself, so that the image can be compared with it.
    """
    rows, sums = [], ErrorSums()
    for item in items:
        error = item.prediction.astype(np.float32) - item.target
        sums.add(item.target, error)
        rows.append(
            ImageRow(
                id=item.id,
                fold=item.fold,
                score=_score(metric, item),
                rmse=float(np.sqrt(np.mean(error.astype(np.float64) ** 2))),
                bias=float(error.mean(dtype=np.float64)),
                untouched=_untouched(item) if restores else None,
            )
        )
    return rows, sums


def worst_first(rows: Iterable[ImageRow], metric: Metric) -> list[ImageRow]:
    """The images by their score, worst first; those without a score by their RMSE, at the end."""
    sign = -1.0 if metric.direction == "min" else 1.0
    return sorted(
        rows,
        key=lambda row: (
            not np.isfinite(row.score),
            sign * row.score if np.isfinite(row.score) else -row.rmse,
        ),
    )


def _score(metric: Metric, item: ImageItem) -> float:
    try:
        pair = Pair(item.target, item.prediction, item.id, item.group)
        return float(metric.score([own_arrays(pair)]))
    except ValueError:
        return float("nan")


def _untouched(item: ImageItem) -> float | None:
    """The RMSE of the first channels of the image against the target."""
    channels = item.target.shape[2]
    image = item.image[..., :channels]
    if image.shape != item.target.shape or image.dtype != np.uint8:
        return None
    return float(np.sqrt(np.mean((image.astype(np.float32) / 255 - item.target) ** 2)))
