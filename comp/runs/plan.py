"""What `comp plan` says about a run, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class FoldPlan:
    """A fold makes `steps` optimizer steps, which are `epochs` passes over its `train` samples."""

    fold: int
    train: int
    steps: int
    epochs: float


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """What another setting costs. `setting` is as `--set` takes it, `images_per_second` counts
    training images, `epochs` is what a fold trains in the budget, `seconds` is the time of the
    whole run. `problem` says why it was not measured; the numbers are then None."""

    setting: str
    images_per_second: float | None = None
    epochs: float | None = None
    seconds: float | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What a run would do and cost, as `comp plan` prints it and as `--json` shows it."""

    competition: str
    data: Path
    synthetic: bool
    device: str
    precision: str
    train: int
    test: int
    of_folds: int
    folds: Sequence[FoldPlan]
    left_out: Sequence[int]
    """Folds for which the budget has no room."""
    budget: float | None
    seconds: float
    """Seconds of the whole command."""
    parts: Mapping[str, float]
    """The same by what takes them: start (reading and checks), images (decoding), features (of a
    frozen backbone), measuring, folds (building them), training, validation, prediction,
    submission (with the scores)."""
    step_s: float
    images_per_second: float
    """Training samples."""
    unit: str = "images"
    """What a training sample is: images, or rows."""
    memory: Mapping[str, int] = field(default_factory=dict)
    """Bytes by device: the most that this process used while it trained and predicted a little."""
    disk_bytes: int
    """The most that the run needs: checkpoints, weights, predictions and submission."""
    cache_bytes: int = 0
    """What the run adds to the caches of images and features."""
    full: FoldPlan | None = None
    """The model of all samples, which is trained after the folds."""
    seeds: int = 1
    """Trainings of each fold, with these steps each."""
    halved: bool
    """Whether batches are halved, because the GPU runs out of memory."""
    alternatives: Sequence[Alternative] = ()
