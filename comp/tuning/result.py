"""What a study found, as frozen records; `dataclasses.asdict` gives plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comp.runs.comparison import PairedDifference
from comp.tuning.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """A finished trial."""

    number: int
    is_default: bool
    values: Mapping[str, Any]
    """Dotted key -> value of the configuration."""
    outcome: Outcome
    curve: Mapping[int, float] = field(default_factory=dict)
    """Reports of the trial -> mean score so far."""


@dataclass(frozen=True, kw_only=True)
class TuneResult:
    """The result of a study so far."""

    competition: str
    study: str
    folder: Path
    metric: str
    direction: str
    synthetic: bool
    trials: Sequence[TrialRow]
    unfinished: int
    """Trials of the study that are not finished."""
    best: int | None
    """The number of the best complete trial."""
    best_score: float | None
    best_values: Mapping[str, Any]
    default_score: float | None
    difference: PairedDifference | None
    """Score of the best trial minus that of the default, paired over the held-out samples; None if
    one is missing, or they are the same trial."""
    better: bool
    """Whether the best trial is better than the default by more than the noise."""
    words: str
    """One sentence: what the best trial is worth."""
    left_out_score: float | None
    """The mean score on each fold of the trial that is the best on the other folds. Fitted
    decisions are fitted on the other folds too."""
    warnings: Sequence[str]
    importances: Mapping[str, float]
    """Dotted key -> share of the differences of the scores that it explains, sum 1."""
    importances_of: str
    share: float
    """Of the training of all complete and pruned trials in full, the share that was made."""
    steps: int
    steps_of_full: int
    """Optimizer steps of the complete and pruned trials, and those of them in full; 0 without a
    network."""
    fold_fits: float
    """Fits of folds of the complete and pruned trials, parts included."""
    config: Path | None
    """TOML file with the configuration of the best trial."""
    picture: Path | None
    seconds: float
