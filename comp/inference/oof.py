"""Out-of-fold predictions against the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from comp.contract.competition import Competition, Reader, Sample
from comp.contract.metrics import Metric
from comp.inference.scores import Scores, choose_threshold, labelled, scores_of


def pairs(
    predictions: Iterable[tuple[Sample, np.ndarray]], reader: Reader
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (target, prediction): image targets float32 in 0..1, labels as they are.

    A target has the shape of its prediction, but for a label (1,) beside K probabilities (K,).

    Raises:
        ValueError: where an image and its prediction differ in size.
    """
    for sample, prediction in predictions:
        target = reader(sample)["target"]
        unit = target.astype(np.float32) / 255 if target.dtype == np.uint8 else target
        yield unit if unit.size == 1 else unit.reshape(prediction.shape), prediction


def score(
    metric: Metric, predictions: Iterable[tuple[Sample, np.ndarray]], reader: Reader
) -> float:
    """The metric over predictions and the targets of their samples."""
    return metric.score(pairs(predictions, reader))


def threshold_of(
    competition: Competition, predictions: Iterable[tuple[Sample, np.ndarray]], seed: int
) -> float | None:
    """The decision threshold of two classes, tuned on out-of-fold predictions; None otherwise."""
    if len(competition.classes) != 2:
        return None
    return choose_threshold(*labelled(predictions), seed)


def class_scores(
    competition: Competition,
    predictions: Iterable[tuple[Sample, np.ndarray]],
    threshold: float | None,
    seed: int,
) -> Sequence[Scores]:
    """The scores of a classification with their intervals; none for everything else."""
    if not competition.classes:
        return ()
    return scores_of(competition.classes, *labelled(predictions), threshold, seed=seed)
