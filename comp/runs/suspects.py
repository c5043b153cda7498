"""The samples of a run whose label is probably wrong, as frozen records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A sample whose label, or one of its labels, may be wrong."""

    rank: int
    """From 1, the most suspect first."""
    id: str
    label: str
    """The label or column in question, if a sample has several; else ""."""
    given: str
    suggested: str
    p_given: float | None
    """The probability of the given label out of fold; None if there are no probabilities."""
    p_suggested: float | None
    score: float
    """By which it is ranked; `SuspectList.score_meaning` describes it."""
    estimated_wrong: bool | None
    """None if the rule does not estimate it."""
    fold: int
    group: str
    """The name of its group; "" without groups."""


@dataclass(frozen=True, kw_only=True)
class SuspectGroup:
    """A group, such as a patient, with several suspects."""

    name: str
    suspects: int
    samples: int
    """Samples of the group that the run scored."""


@dataclass(frozen=True, kw_only=True)
class LabelSwap:
    """How many labels are estimated to be wrong in the same way."""

    label: str
    given: str
    suggested: str
    count: int


@dataclass(frozen=True, kw_only=True)
class SuspectList:
    """The suspects of a run. `dataclasses.asdict` gives plain JSON."""

    run_id: str
    competition: str
    synthetic: bool
    group: str
    """A noun for a group: "patient"."""
    samples: int
    """Samples that the run predicted out of fold."""
    labels: int
    """Labels that are ranked: one for each sample, or one for each sample and label."""
    estimated_wrong: int | None
    """Labels that are estimated to be wrong; None if the rule only ranks errors."""
    swaps: Sequence[LabelSwap]
    """The labels that are estimated to be wrong by kind, the most frequent first."""
    score_meaning: str
    suspects: Sequence[Suspect]
    groups: Sequence[SuspectGroup]
    """Groups with at least two of the suspects, those with the most first."""
    words: str
    """One sentence: how many labels are estimated to be wrong, or that this is only a ranking."""
    notes: Sequence[str]
