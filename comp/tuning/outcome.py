"""What a trial is, what it ended with, and what it reports while it trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from comp.config.schema import RunConfig
from comp.data.location import DataSource
from comp.workspace import Workspace

State = Literal["complete", "pruned", "failed", "cut", "lost"]
"""complete: all folds; pruned: stopped because of its score; failed: by its values, such as a loss
that is not finite; cut: the budget or a signal stopped it; lost: its process died. Trials that were
cut or lost run again."""
COUNTED: tuple[State, ...] = ("complete", "pruned", "failed")


@dataclass(frozen=True, kw_only=True)
class TrialJob:
    """A trial to train; it can be pickled."""

    study: Path
    """The folder of the study."""
    number: int
    trial_id: int
    """Its id in the storage of the study."""
    config: RunConfig
    """With the values of the trial, of one seed and without a budget."""
    source: DataSource
    workspace: Workspace
    folds: Sequence[int]
    steps: int | None
    """Optimizer steps of a fold; None: as the configuration says."""
    fingerprint: str
    """Of the data of the study."""
    targets: str
    """What `comp.tuning.targets.target_hash` returns of the default; "" if no trial changes it."""
    pruner: str
    reports_of_fold: int
    """Reports of a fold in the study, as `comp.tuning.pruning` counts them."""
    prunes: bool = True
    """Whether a bad score stops it."""
    skip_bad: bool = False
    deadline: float | None = None
    """`time.time()` at which it must end; None: never."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a trial ended."""

    state: State
    value: float | None = None
    """The out-of-fold score of all folds, of a complete trial."""
    fold_scores: Mapping[int, float] = field(default_factory=dict)
    """Of the finished folds. Fitted decisions of a complete trial are fitted on the other folds, of
    other trials on the fold itself."""
    own_scores: Mapping[int, float] = field(default_factory=dict)
    """Of a complete trial whose decisions are fitted: the scores of its folds with decisions that
    are fitted on the fold itself."""
    share: float = 0.0
    """Share of a full trial that was trained: of its optimizer steps, or of its folds if it has no
    network."""
    steps: int = 0
    """Optimizer steps, of all networks of the trial; 0 without a network."""
    seconds: float = 0.0
    reason: str = ""
    """Why it was pruned, failed or was cut."""

    def record(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self) | {
            name: {str(fold): score for fold, score in getattr(self, name).items()}
            for name in ("fold_scores", "own_scores")
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Outcome:
        """The outcome that `record` returned as this."""
        scores = {
            name: {int(fold): score for fold, score in record.get(name, {}).items()}
            for name in ("fold_scores", "own_scores")
        }
        return cls(**{**record, **scores})


@dataclass(frozen=True, kw_only=True)
class TrialProgress:
    """How far a running trial is."""

    number: int
    fold: int
    share: float
    """Of the full trial, 0..1."""
    score: float | None
    """The last score, None before the first."""
