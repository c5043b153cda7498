"""What the training loop needs, what it returns, and the errors that it raises."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from comp.config.schema import RunConfig
from comp.contract.task import Loss
from comp.errors import RunError
from comp.runs.progress import OnFreezingReport, OnValidation, Silent
from comp.training.best import BestWeights
from comp.training.checkpoint_writer import CheckpointWriter
from comp.training.meter import Meter
from comp.training.mixing import Mixer
from comp.training.ranks import ALONE, Ranks
from comp.training.replanning import Point, Replanner
from comp.training.schedule import Direction
from comp.training.state import TrainingCheckpoint


def keep(_model: nn.Module) -> None:
    """The refit of a training that has no images for it."""


@dataclass(frozen=True, kw_only=True)
class FitSpec:
    """What to train, and for how long.

    `score` scores a model on the held-out samples, and `better` says whether a score is better than
    an older one, or than None. `epoch_steps` of the `steps` optimizer steps are one pass over the
    training samples. `history` is the file that gets a JSON line for each validation. `mixer` mixes
    images and their targets. `on_freezing_report` receives how each stage trains, `on_validation`
    each score. `resume_from` is the checkpoint to resume from. `refit` refits the BatchNorm
    statistics of averaged weights.
    """

    config: RunConfig
    fold: int
    loss: Loss
    mixer: Mixer
    score: Callable[[nn.Module], float]
    better: Callable[[float, float | None], bool]
    steps: int
    epoch_steps: int
    history: Path
    direction: Direction = "min"
    checkpoint_writer: CheckpointWriter = field(default_factory=CheckpointWriter)
    resume_from: TrainingCheckpoint | None = None
    on_freezing_report: OnFreezingReport = Silent().freezing_report
    on_validation: OnValidation = Silent().validated
    refit: Callable[[nn.Module], None] = keep
    replanner: Replanner = field(default_factory=Replanner)
    """Plans the steps again while the training runs."""
    ranks: Ranks = ALONE
    """The processes that train together."""
    gather: bool = False
    """Whether each rank computes the loss of the whole batch, for losses that are not the mean of
    those of its parts."""


class NotFiniteError(RunError):
    """A loss is NaN or infinite. `problem` is the message without advice, `batch` the first batch
    with such a loss, from 0."""

    def __init__(self, problem: str, batch: int) -> None:
        super().__init__(problem, batch)  # pickle calls NotFiniteError(*args)
        self.problem, self.batch = problem, batch

    def __str__(self) -> str:
        return f"{self.problem}: lower optim.lr, or set optim.clip_norm"


class NoScoreError(RunError):
    """Every score of a fold is NaN. `problem` is the message without advice, `model` the model that
    was scored last; a pickle does not contain it, so it is None afterwards."""

    def __init__(self, problem: str, model: nn.Module | None = None) -> None:
        super().__init__(problem)
        self.problem, self.model = problem, model

    def __str__(self) -> str:
        return f"{self.problem}: look at the data and the metric"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, {**self.__dict__, "model": None}


@dataclass(frozen=True)
class FitResult:
    """A trained fold: its best weights, the steps done and planned, its seconds and its meter.

    With `average.how`, the best weights are a mean of `averaged` weights, and `last_score` is the
    score of the last weights alone.
    """

    best: BestWeights
    steps: int
    planned: int
    seconds: float
    meter: Meter
    averaged: int = 0
    last_score: float = math.nan
    points: tuple[Point, ...] = ()
    """Where the steps were planned again."""
    planned_first: int = 0
    """The steps that were planned at the start."""

    @property
    def stopped_early(self) -> bool:
        """Whether the fold stopped before its last step."""
        return self.steps < self.planned
