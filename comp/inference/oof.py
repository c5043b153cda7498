"""Out-of-fold predictions against the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from comp.competition import Reader, Sample
from comp.metrics import Metric


def pairs(
    predictions: Iterable[tuple[Sample, np.ndarray]], reader: Reader
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (target, prediction): image targets float32 in 0..1, labels as they are."""
    for sample, prediction in predictions:
        target = reader(sample)["target"]
        unit = target.astype(np.float32) / 255 if target.dtype == np.uint8 else target
        yield unit.reshape(prediction.shape), prediction


def score(
    metric: Metric, predictions: Iterable[tuple[Sample, np.ndarray]], reader: Reader
) -> float:
    """The metric over predictions and the targets of their samples."""
    return metric.score(pairs(predictions, reader))
