"""The result of a race of backbones, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class RoundResult:
    """What a candidate reached in a round: `score` on held-out samples of fold 0 after `steps`
    optimizer steps, None with a `problem`. `seconds` are those of all its work, `step_s` those of a
    step, and `images_per_second` is the speed of its training."""

    score: float | None = None
    steps: int = 0
    seconds: float = 0.0
    step_s: float = 0.0
    images_per_second: float = 0.0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class RaceRound:
    """A round: the numbers of its candidates, the seconds that each of them gets, and how many
    samples train and are scored. `results` are those of the candidates that are done, by number."""

    candidates: Sequence[int]
    seconds: float
    train: int
    held_out: int
    results: Mapping[int, RoundResult] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A backbone with a size of the images, and how it trains. `keys` are the configuration keys
    that differ from those of the race, nested; the first candidate has none but its weights.

    `thaw_share` is the share of the steps before frozen stages train; 0 if they do not.
    """

    backbone: str
    size: str
    how: str
    lr: float
    keys: Mapping[str, Any] = field(default_factory=dict)
    thaw_share: float = 0.0

    @property
    def name(self) -> str:
        """The candidate in a few words."""
        return f"{self.backbone}, {self.size}, {self.how}"


@dataclass(frozen=True, kw_only=True)
class RaceResult:
    """A finished race. `winner`, `best` and `default` are numbers of candidates: the one that runs,
    and the one with the best score. They differ if `comparison` of the best with the default finds
    only noise. `run_id` is the run that the winner made. `left_out` says why backbones are no
    candidates, by name."""

    race_id: str
    race_dir: Path
    competition: str
    metric: str
    direction: str
    candidates: Sequence[Candidate]
    rounds: Sequence[RaceRound]
    winner: int
    run_id: str
    best: int
    default: int = 0
    comparison: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        """How many candidates have a score."""
        results = [pair for each in self.rounds for pair in each.results.items()]
        return len({number for number, result in results if result.score is not None})
