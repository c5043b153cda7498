"""Scores of out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from comp.contract.competition import Competition, Reader, Sample
from comp.contract.metrics import Metric
from comp.inference.scores import Scores, choose_threshold, scores_of, scoring_arrays


def pair_with_targets(
    predictions: Iterable[tuple[Sample, np.ndarray]], reader: Reader
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (target, prediction): image targets as float32 in 0..1, labels unchanged.

    A target has the shape of its prediction, except a label (1,) of K probabilities (K,).

    Raises:
        ValueError: an image and its prediction have different sizes.
    """
    for sample, prediction in predictions:
        target = reader(sample)["target"]
        unit = target.astype(np.float32) / 255 if target.dtype == np.uint8 else target
        yield unit if unit.size == 1 else unit.reshape(prediction.shape), prediction


def score(
    metric: Metric, predictions: Iterable[tuple[Sample, np.ndarray]], reader: Reader
) -> float:
    """The metric of predictions against the targets of their samples."""
    return metric.score(pair_with_targets(predictions, reader))


def threshold_of(
    competition: Competition, predictions: Iterable[tuple[Sample, np.ndarray]], seed: int
) -> float | None:
    """The decision threshold for two classes, tuned on out-of-fold predictions; else None."""
    if len(competition.classes) != 2:
        return None
    return choose_threshold(*scoring_arrays(predictions), seed)


def class_scores(
    competition: Competition,
    predictions: Iterable[tuple[Sample, np.ndarray]],
    threshold: float | None,
    seed: int,
) -> Sequence[Scores]:
    """The scores of a classification with their intervals; empty without classes."""
    if not competition.classes:
        return ()
    return scores_of(competition.classes, *scoring_arrays(predictions), threshold, seed=seed)
