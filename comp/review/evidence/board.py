"""Whether the public score of a run is what its folds promise."""

from __future__ import annotations

from dataclasses import dataclass

from comp.data.units import units_of
from comp.errors import CompError
from comp.inference.public_noise import DRAWS, score_noise
from comp.inference.weighted_score import weighted_score
from comp.pipeline.trust import SHARE
from comp.pipeline.trust_sources import scored_submissions
from comp.review.evidence.levels import SURE
from comp.review.evidence.noise import score_error
from comp.review.facts import RunFacts
from comp.review.verdict import scored_pairs


@dataclass(frozen=True, kw_only=True)
class Board:
    """The out-of-fold and the public score, and the standard error of their difference: that of the
    folds, and that of a public test of 30 % of the test."""

    oof: float
    public: float
    error: float
    public_samples: int
    worse: bool
    """Whether the public score is the worse one."""

    @property
    def is_far(self) -> bool:
        """Whether they differ by more than 2.6 standard errors."""
        return abs(self.oof - self.public) > SURE * self.error


def board(facts: RunFacts) -> Board | None:
    """The scores of a submitted run; None if it has no public score, or the noise is unknown."""
    return facts.once("board", lambda: _board(facts))


def _board(facts: RunFacts) -> Board | None:
    try:
        found = scored_submissions(facts.competition, facts.workspace).submissions
    except CompError:
        return None
    mine = next((one for one in found if one.run_id == facts.run_id), None)
    if mine is None or facts.oof is None or facts.task.output == "image":
        return None
    own = score_error(facts)
    size = round(SHARE * len(units_of(facts.oof.data.test, facts.competition.pool)))
    if own is None or size < 1:
        return None
    score, _ = weighted_score(facts.metric, scored_pairs(facts))
    groups = [facts.oof.groups[name] for name in facts.oof.ids]
    noise = score_noise(score, groups, size, draws=DRAWS, limit_s=1.0)
    if noise is None:
        return None
    return Board(
        oof=mine.oof,
        public=mine.public,
        error=float((own**2 + noise**2) ** 0.5),
        public_samples=size,
        worse=facts.metric.better(mine.oof, mine.public),
    )
