"""The values that flow from stage to stage, as plain frozen records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


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
class Part:
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
OnTransfer = Callable[[int, Sequence[Part]], None]
"""(fold, the stages of its network)."""
OnPrediction = Callable[[int, int, int], None]
"""(fold, samples done, samples in all) -> None."""


@dataclass(frozen=True, kw_only=True)
class FoldResult:
    """What one fold left behind; the same values stand in its meta.json.

    `score` is that of the held-out samples with test-time augmentation. Times are seconds:
    `setup_s` reading and building, `fit_s` training with its validations, `predict_s` held-out and
    test predictions; `steps` counts the optimizer steps that were made,
    `planned` those that the schedule was made for.
    """

    fold: int
    score: float
    loss: float
    epoch: int
    step: int
    steps: int
    planned: int
    stopped_early: bool
    setup_s: float
    fit_s: float
    predict_s: float
    validate_s: float
    images_per_second: float
    wait_share: float
    """Share of the training time spent waiting for the next batch."""
    halved: bool = False
    """Whether the GPU had no room for `loader.batch_size`, so that batches of half the size, twice
    as many a step, were trained on."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The result of a run, as printed and as `--json` shows it."""

    run_id: str
    run_dir: Path
    competition: str
    metric: str
    direction: str
    cv_score: float
    fold_scores: Mapping[int, float]
    mean: float
    std: float
    standing: str
    submission: Path
    n_rows: int
    seconds: float
    sample: bool
    device: str
    precision: str
    plan: Mapping[int, int]
    """Optimizer steps of each fold."""
    threshold: float | None
    """The decision threshold of two classes, tuned out of fold; None for everything else."""
    classes: Sequence[Mapping[str, Any]]
    """Out-of-fold scores of a classification with their intervals, at 0.5 and at the threshold;
    none for everything else."""
    skipped: Mapping[str, str]
    """Images that could not be decoded and were left out, with the reason."""

    def card(self) -> dict[str, object]:
        """What scores.json holds."""
        keys = ("metric", "direction", "cv_score", "fold_scores", "mean", "std", "standing")
        return {key: getattr(self, key) for key in (*keys, "sample", "threshold", "classes")}


@dataclass(frozen=True, kw_only=True)
class Line:
    """A run with its newest attempt to submit it, or an attempt whose run is not here."""

    competition: str
    run_id: str
    date: str
    """When the run was started or, without a run, when it was submitted; ISO format."""
    sample: bool = False
    metric: str = ""
    direction: str = ""
    cv_score: float | None = None
    std: float | None = None
    fold_hash: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the configuration that differ from the run before, with their new values; None for a
    key that is gone."""
    file: str = ""
    """Name of the file that was sent, where no run made it."""
    sent_at: str = ""
    """When it was submitted, ISO format; "" where it was not."""
    state: str = ""
    """State of the attempt, "" where there was none."""
    ref: int | None = None
    public: str = ""
    private: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What is known when a run begins."""

    run_id: str
    run_dir: Path
    competition: str
    data: Path
    sample: bool
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

    def opened(self, opening: Opening) -> None:
        """The run begins."""

    def note(self, words: str) -> None:
        """Something that takes a while is about to be done."""

    def transfer(self, fold: int, parts: Sequence[Part]) -> None:
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

    def opened(self, opening: Opening) -> None:
        """Show nothing."""

    def note(self, words: str) -> None:
        """Show nothing."""

    def transfer(self, fold: int, parts: Sequence[Part]) -> None:
        """Show nothing."""

    def reading(self, done: int, total: int) -> None:
        """Show nothing."""

    def step(self, step: Step) -> None:
        """Show nothing."""

    def predicted(self, fold: int, done: int, total: int) -> None:
        """Show nothing."""

    def fold_done(self, result: FoldResult, submission: Path) -> None:
        """Show nothing."""
