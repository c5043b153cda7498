"""Pairs of target and prediction, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.competition import Competition
from comp.contract.metric import Pair
from comp.contract.pair_arrays import PairArrays, collected
from comp.contract.sample import Reader, Sample, read_target_alone
from comp.contract.task import DecidedPairs, Decision, Params, Task, decisions
from comp.data.plugin_arrays import fresh_arrays
from comp.errors import DataError
from comp.inference.predictions import Repeatable

Predictions = Iterable[tuple[Sample, np.ndarray]]


class OofPairs(Iterable[Pair]):
    """The pairs of target and prediction of labelled samples; images are read in each
    iteration, vectors once.

    Args:
        predictions: returns an iterable of (sample, prediction), each time from the start.
    """

    def __init__(
        self, task: Task, predictions: Callable[[], Predictions], reader: Reader | None
    ) -> None:
        self.task, self.predictions, self.reader = task, predictions, reader

    def __iter__(self) -> Iterator[Pair]:
        if self._arrays is not None:
            return iter(self._arrays)
        return pair_with_targets(self.task, self.predictions(), self.reader)

    def arrays(self) -> PairArrays | None:
        """All pairs as arrays, which are read once and kept; None if they are images."""
        return self._arrays

    @cached_property
    def _arrays(self) -> PairArrays | None:
        if self.task.output == "image":
            return None
        return collected(pair_with_targets(self.task, self.predictions(), self.reader))


def pair_with_targets(
    task: Task, predictions: Predictions, reader: Reader | None
) -> Iterator[Pair]:
    """Yield the pair of each prediction: encoded targets, images in 0..1 as float32.

    Args:
        reader: reads the targets that are not in the samples themselves.

    Raises:
        DataError: a target has another size than its prediction.
    """
    for sample, prediction in predictions:
        target = read_target(task, sample, reader)
        if task.output == "image" and target.shape != prediction.shape:
            raise DataError(
                f"the target of {sample.id} is an array of shape {target.shape}, the prediction of "
                f"{prediction.shape}: image and target must have the same size"
            )
        yield Pair(target, prediction, sample.id, sample.group)


def need_reader(samples: Iterable[Sample]) -> bool:
    """Whether the target of a sample is not in the sample itself."""
    return any(sample.target is None or isinstance(sample.target, Path) for sample in samples)


def read_target(task: Task, sample: Sample, reader: Reader | None) -> np.ndarray:
    """The encoded target of a sample: float32 (T,), or an image (H, W, C).

    Raises:
        DataError: the sample has no target.
    """
    value = sample.target
    if value is None or isinstance(value, Path):
        item = fresh_arrays(reader, dict(read_target_alone(reader, sample))) if reader else {}
        if "target" not in item:
            raise DataError(f"{sample.id} has no target: scores need one")
        raw = item["target"]
    else:
        raw = np.atleast_1d(np.array(value, dtype=np.float32))
    target = np.asarray(task.encode(raw))
    return target.astype(np.float32) / 255 if target.dtype == np.uint8 else target


def decided_once(
    decision: Decision, pairs: Iterable[Pair], params_of: Callable[[Any], Params]
) -> Iterable[Pair]:
    """Pairs with decisions, which are made once, if they fit into memory.

    Args:
        pairs: can be iterated several times.
        params_of: the parameters of the decision of a pair.
    """
    made = DecidedPairs(decision, pairs, params_of)
    return made.arrays() or Repeatable(lambda: made)


def score(competition: Competition, pairs: Iterable[Pair], params: Params | None = None) -> float:
    """The competition's metric.

    Args:
        params: parameters of the decisions, if the metric takes decisions; None: the default.
    """
    task, metric = competition.task, competition.metric
    if metric.takes == "predictions" or task.decision is None:
        return metric.score(pairs)
    used = task.decision.default if params is None else params
    return metric.score(decisions(task, pairs, used))
