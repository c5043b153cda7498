"""What a run tells while it works, and whom it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from comp.runs.results import FoldResult


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where a fold stands; sent to whoever shows progress.

    `step` of `steps` optimizer steps are done, in `epoch` of `epochs` (1-based). `loss` is the mean
    since the last report, `lr` the current learning rate, `rate` training images a second. `score`
    is the best validation score so far, None before the first.
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


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """A stage of a network, in the transfer report.

    `thaws` is the epoch from which it trains, 0 for one that is not frozen, None for never.
    `batch_norm` is "train" or "eval", "" where the stage has none. `lr` is the peak of its
    learning rate, `weight_decay` that of its weights (norms and biases have none).
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
OnPrediction = Callable[[int, int, int], None]
"""(fold, samples done, samples in all) -> None."""


@dataclass(frozen=True, kw_only=True)
class RunStart:
    """What is known when a run begins."""

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
    """Estimated seconds of the whole run, None where they were not measured."""
    budget: float | None


class Reporter(Protocol):
    """Whoever shows a run to a person."""

    def run_started(self, run_start: RunStart) -> None:
        """The run begins."""

    def note(self, words: str) -> None:
        """Something that takes a while is about to be done."""

    def transfer(self, fold: int, parts: Sequence[StageReport]) -> None:
        """A fold begins to train a network of these stages."""

    def reading(self, done: int, total: int) -> None:
        """So many images are decoded for the cache."""

    def step(self, step: Step) -> None:
        """A fold went on."""

    def predicted(self, fold: int, done: int, total: int) -> None:
        """A fold has predicted so many of its samples."""

    def fold_done(self, result: FoldResult, submission: Path) -> None:
        """A fold is finished."""


class Silent:
    """A reporter that shows nothing."""

    def run_started(self, run_start: RunStart) -> None:
        """Show nothing."""

    def note(self, words: str) -> None:
        """Show nothing."""

    def transfer(self, fold: int, parts: Sequence[StageReport]) -> None:
        """Show nothing."""

    def reading(self, done: int, total: int) -> None:
        """Show nothing."""

    def step(self, step: Step) -> None:
        """Show nothing."""

    def predicted(self, fold: int, done: int, total: int) -> None:
        """Show nothing."""

    def fold_done(self, result: FoldResult, submission: Path) -> None:
        """Show nothing."""
