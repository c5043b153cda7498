"""What a run leaves behind, as plain frozen records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


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
class RunSummary:
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
    synthetic: bool
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
        return {key: getattr(self, key) for key in (*keys, "synthetic", "threshold", "classes")}


@dataclass(frozen=True, kw_only=True)
class HistoryRow:
    """A run with its newest attempt to submit it, or an attempt whose run is not here."""

    competition: str
    run_id: str
    date: str
    """When the run was started or, without a run, when it was submitted; ISO format."""
    synthetic: bool = False
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
