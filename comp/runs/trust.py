"""How far the out-of-fold scores of runs predict a leaderboard, as frozen records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ScoredSubmission:
    """A run whose submission has a public score."""

    run_id: str
    oof: float
    public: float
    private: float | None = None
    noise: float | None = None
    """Standard error of the score on a public test of its size; None without out-of-fold
    predictions here."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How the out-of-fold scores agree with those of one leaderboard."""

    board: str
    """"public" or "private"."""
    n: int
    rank_correlation: float | None
    """Spearman's, 1 if both rank the submissions alike; None if it is not defined."""
    p_value: float | None
    """Two-sided, of no correlation; exact for at most 7 submissions."""
    mean_difference: float
    """Mean of OOF - leaderboard."""
    spread: float | None
    """Standard deviation of OOF - leaderboard; None of one submission."""


@dataclass(frozen=True, kw_only=True)
class PublicDifference:
    """The public scores of two submissions, the first minus the second."""

    first: str
    second: str
    public: float
    oof: float
    noise: float | None
    """Standard deviation of this difference between two equally good runs on a public test of its
    size; None if it is not known."""
    paired: bool
    """Whether the noise is that of the two runs on the same samples; else it is estimated from one
    of them as if they were independent, which is too large."""
    real: bool | None
    """Whether the public difference is larger than 1.96 times the noise; None without noise."""

    @property
    def contradicts(self) -> bool:
        """Whether the public test says reliably the opposite of the folds."""
        return bool(self.real) and self.public * self.oof < 0


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What is known of a competition's scores. `dataclasses.asdict` gives plain JSON."""

    competition: str
    metric: str
    direction: str
    submissions: Sequence[ScoredSubmission]
    """The best public score first."""
    skipped: Sequence[tuple[str, int]]
    """Why scored submissions are left out, and how many."""
    test_samples: int | None
    """Samples of the whole test; None if no run's data is here."""
    public_share: float
    share_assumed: bool
    public_samples: int | None
    agreements: Sequence[Agreement]
    """With the public scores and, if they are known, the private ones."""
    differences: Sequence[PublicDifference]
    """Of the submission with the best public score and each other one."""
    words: Sequence[str]
    """The verdict first, in sentences."""
    notes: Sequence[str]
