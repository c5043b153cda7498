"""What a run reports while it works, and the protocol of a reporter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from comp.runs.results import FoldResult


@dataclass(frozen=True, kw_only=True)
class Step:
    """The progress of a fold.

    `step` of `steps` optimizer steps are done, in `epoch` of `epochs` (1-based). `loss` is the mean
    since the last report, `lr` the current learning rate, `rate` training images per second.
    `score` is the best validation score so far, None before the first validation. `part` says which
    of several trainings of the fold it is; `step` and `steps` are then those of all, and `epoch` is
    that of this training.
    """

    fold: int
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    lr: float
    rate: float
    score: float | None = None
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """A stage of a network in the freezing report.

    `thaws` is the epoch in which the stage starts to train: 0 for a stage that is not frozen, None
    for a stage that is always frozen. `batch_norm` is "train" or "eval", "" if the stage has no
    BatchNorm. `lr` is its peak learning rate, `weight_decay` that of its weights (norms and biases
    have no weight decay).
    """

    name: str
    parameters: int
    frozen: bool
    thaws: float | None
    batch_norm: str
    lr: float
    weight_decay: float


OnStep = Callable[[Step], None]
OnFreezingReport = Callable[[int, Sequence[StageReport]], None]
"""(fold, the stages of its network)."""
OnValidation = Callable[[int, int, float], None]
"""(fold, optimizer steps done, held-out score) -> None."""
OnPrediction = Callable[[int, int, int], None]
"""(fold, samples done, samples in all) -> None."""


@dataclass(frozen=True, kw_only=True)
class RunStart:
    """What is known when a run starts."""

    run_id: str
    run_dir: Path
    competition: str
    data: Path
    synthetic: bool
    train: int
    test: int
    groups: int
    group: str
    folds: Sequence[int]
    of_folds: int
    device: str
    precision: str
    seconds: float | None
    """Estimated seconds of the whole run, None if the speed was not measured."""
    budget: float | None
    unit: str = "images"
    """What a training sample is: images, or rows."""
    jobs: int = 1
    """How many folds train at the same time."""
    preliminary: bool = False
    """Whether the scores of a fold are made before the decisions are fitted on the other folds."""


class Reporter(Protocol):
    """Shows the progress of a run."""

    def run_started(self, run_start: RunStart) -> None:
        """The run starts."""

    def note(self, text: str) -> None:
        """A message to the user."""

    def freezing_report(self, fold: int, stages: Sequence[StageReport]) -> None:
        """A fold starts to train a network with these stages."""

    def images_decoded(self, done: int, total: int, doing: str = "decoding") -> None:
        """`done` of `total` images are decoded for the cache, or processed as `doing` says."""

    def step(self, step: Step) -> None:
        """A fold made progress."""

    def validated(self, fold: int, step: int, score: float) -> None:
        """A fold has scored its network after `step` optimizer steps."""

    def predicted(self, fold: int, done: int, total: int) -> None:
        """A fold has predicted `done` of `total` samples."""

    def fold_done(self, result: FoldResult, submission: Path) -> None:
        """A fold is finished."""


class Silent:
    """A reporter that shows nothing."""

    def run_started(self, run_start: RunStart) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def freezing_report(self, fold: int, stages: Sequence[StageReport]) -> None:
        """Show nothing."""

    def images_decoded(self, done: int, total: int, doing: str = "decoding") -> None:
        """Show nothing."""

    def step(self, step: Step) -> None:
        """Show nothing."""

    def validated(self, fold: int, step: int, score: float) -> None:
        """Show nothing."""

    def predicted(self, fold: int, done: int, total: int) -> None:
        """Show nothing."""

    def fold_done(self, result: FoldResult, submission: Path) -> None:
        """Show nothing."""
