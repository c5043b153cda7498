"""The result of a blend of runs, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class BlendMember:
    """A run of a blend."""

    run_id: str
    score: float
    """Its own out-of-fold score, on the samples of the blend."""
    weight: float | None = None
    """Fitted on all folds, for the test set; None if a second-level model combines the runs."""
    fold_weights: Mapping[int, float] = field(default_factory=dict)
    """For each fold, fitted on the other folds."""


@dataclass(frozen=True, kw_only=True)
class BlendGain:
    """What the blend gains over its best single run, in units of the metric: more is better, for
    every metric."""

    value: float
    low: float | None
    """The ends of the 95 % interval, by a bootstrap of groups; None if it is not known."""
    high: float | None

    @property
    def real(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True, kw_only=True)
class BlendSummary:
    """The result of a blend, as `comp blend` prints it and as `--json` shows it."""

    run_id: str
    run_dir: Path
    competition: str
    metric: str
    direction: str
    method: str
    runs: Sequence[BlendMember]
    mean_score: float
    """The nested score of the equal mean of the runs."""
    cv_score: float
    """The nested score of the blend: each fold is predicted by what the other folds fitted."""
    fold_scores: Mapping[int, float]
    best: str
    """The best single run."""
    gain: BlendGain
    verdict: str
    """One sentence: whether the blend is better than the best single run."""
    decision: Mapping[str, Any] | None
    """As in `RunSummary`."""
    submission: Path
    n_rows: int
    seconds: float
    synthetic: bool
    notes: Sequence[str]
