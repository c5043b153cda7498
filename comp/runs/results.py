"""The results of a fold and of a run, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class FoldResult:
    """The result of one fold; the fold's meta.json contains the same values.

    `score` is the score of the held-out samples with test-time augmentation. Times are in seconds:
    `setup_s` for reading and building, `fit_s` for training with its validations, `predict_s` for
    predicting the held-out and test samples. `steps` optimizer steps were done of `planned`; the
    schedule was made for `planned_first` steps. A model that is not a network counts its trees or
    iterations as steps; of several networks each has made these steps.
    """

    fold: int
    score: float
    loss: float | None
    """None of a model that is not a network."""
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
    """Whether the fold trained on batches of half of `loader.batch_size`, twice as many per step,
    because the GPU ran out of memory."""

    averaged: int = 0
    """Of how many weights the network of the fold is the mean, with `average.how`."""

    estimate_s: float = 0.0
    """Seconds for fitting models that are not networks."""
    estimator: Mapping[str, Any] = field(default_factory=dict)
    """What a model that is not a network chose, such as its number of trees."""
    members: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """If several models are blended: name, score, weight and seconds of each."""
    importances: Mapping[str, float] = field(default_factory=dict)
    """By how much the held-out score of a table is worse when a column is shuffled."""
    replanned: Mapping[str, Any] = field(default_factory=dict)
    """If the steps were planned again while the fold trained: `planned`, as at its start, and
    `points`, (steps done, steps in all from then on); no points if a fold averages several
    seeds."""
    seeds: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """If several seeds are averaged: seed, score, steps and seconds of each training. The seconds
    of the fold are then the sums, its steps and its loss the means."""

    @property
    def planned_first(self) -> int:
        """The steps that were planned when the fold started."""
        return int(self.replanned.get("planned", self.planned))

    @property
    def seconds(self) -> float:
        """Seconds of the whole fold."""
        return self.setup_s + self.fit_s + self.estimate_s + self.predict_s


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """The result of a run, as `comp run` prints it and as `--json` shows it."""

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
    """The decision threshold, fitted on out-of-fold predictions; None if decisions have other
    parameters or none."""
    decision: Mapping[str, Any] | None = None
    """Parameters of the decisions: their `names`, `params` of the submission, fitted on all folds,
    and `by_fold`, those that score a fold, fitted on the others; None if there are none."""
    classes: Sequence[Mapping[str, Any]]
    """Further out-of-fold scores of the task with their intervals."""
    skipped: Mapping[str, str]
    """Images that were left out because they cannot be decoded, with the reason."""
    left_out: Sequence[int] = ()
    """Folds for which the budget had no time."""

    members: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """If several models are blended: the mean `score` and the mean `weight` over the folds of each,
    by name."""
    importances: Mapping[str, float] = field(default_factory=dict)
    """By how much the held-out score of a table is worse when a column is shuffled: the mean over
    the folds, the largest first."""

    seeds: Mapping[str, Any] = field(default_factory=dict)
    """If several seeds are averaged: the out-of-fold `scores` of each alone, by seed, and their
    `mean` and `std`."""
    full: Mapping[str, Any] = field(default_factory=dict)
    """The model of all samples, if `full` says so: its `steps` and `samples`, as how many folds it
    counts (`weight`), and its `share` of the mean of the test predictions. It is in no score."""
    dropped: Mapping[str, Any] = field(default_factory=dict)
    """If `drop` keeps samples from training: how many `samples`, how many of them are `scored`, and
    `score_without`, the score without them; `cv_score` is that of all samples."""
    adaptation: Mapping[str, Any] = field(default_factory=dict)
    """What of the networks was adapted to the test images, if `predict.adapt` says so."""
    test_classes: Mapping[str, Any] = field(default_factory=dict)
    """The classes that are decided on the test, beside those out of fold, if classes exclude each
    other; `comp.pipeline.class_report` describes it."""
    validation: Mapping[str, Any] = field(default_factory=dict)
    """The score of the data of `validation`, as `comp.pipeline.scored_apart` describes it."""
    external: Mapping[str, Any] = field(default_factory=dict)
    """The score of the external samples, with `external_folds`."""

    def card(self) -> dict[str, object]:
        """What scores.json contains."""
        keys = ("metric", "direction", "cv_score", "fold_scores", "mean", "std", "standing")
        more = ("synthetic", "threshold", "decision", "classes")
        rare = ("members", "importances", "seeds", "full", "dropped", "validation", "external")
        optional = [key for key in rare if getattr(self, key)]
        return {key: getattr(self, key) for key in (*keys, *more, *optional)}


@dataclass(frozen=True, kw_only=True)
class HistoryRow:
    """A run with its newest submission attempt, or an attempt without a run in this workspace."""

    competition: str
    run_id: str
    date: str
    """When the run started or, without a run, when the file was submitted; ISO format."""
    synthetic: bool = False
    metric: str = ""
    direction: str = ""
    cv_score: float | None = None
    std: float | None = None
    fold_hash: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Configuration keys that differ from the previous run, with their new values; None for a key
    that no longer exists."""
    file: str = ""
    """Name of the submitted file, if no run made it."""
    sent_at: str = ""
    """When it was submitted, ISO format; "" if it was not."""
    state: str = ""
    """State of the attempt, "" if there was none."""
    ref: int | None = None
    public: str = ""
    private: str = ""
    message: str = ""
    kind: str = ""
    """What was sent: "file" or "notebook"; "" if nothing was."""
    kernel_version: int | None = None
    """The version of the notebook on Kaggle."""
    value: float | None = None
    """The score of a notebook's file on test labels here."""
