"""What a comparison of two runs finds, as frozen records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Score of the first run minus score of the second, on the same samples."""

    first: float
    second: float
    value: float
    low: float | None
    """The ends of the 95 % interval; None if the runs differ in fewer than 5 groups, nearly all
    samples are in one group, or the metric could be scored on fewer than 10 draws."""
    high: float | None
    draws: int
    groups: int
    differing_groups: int
    """Groups in which the runs differ in what is scored."""

    @property
    def real(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True, kw_only=True)
class PartScore:
    """The scores of a part of the samples: a fold, a class, or one output."""

    name: str
    n: int
    first: float | None
    """None if the score is not defined, such as the AUC of one class."""
    second: float | None
    difference: float | None


@dataclass(frozen=True, kw_only=True)
class SampleChange:
    """A sample for which the runs differ much."""

    id: str
    first: float
    second: float
    difference: float


@dataclass(frozen=True, kw_only=True)
class ChangedSides:
    """Whose decision is right. A sample of several labels is right if all of them are."""

    both: int
    neither: int
    only_first: Sequence[str]
    """Ids of the samples that the first run decides right and the second wrong."""
    only_second: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs on the same samples. Every `difference` is the first minus the second.

    `dataclasses.asdict` gives plain JSON.
    """

    first: str
    second: str
    """Ids of the runs."""
    competition: str
    synthetic: bool
    metric: str
    direction: str
    n: int
    """Samples that both runs have predicted out of fold."""
    difference: PairedDifference
    real: bool
    """Whether the 95 % interval of the difference excludes 0."""
    better: str | None
    """The run that is better, if the difference is real."""
    folds: Sequence[PartScore]
    """The metric of each fold of the first run."""
    outputs_measure: str
    """What `outputs` compares: "right decisions" (a share, 0..1), or the metric."""
    outputs: Sequence[PartScore]
    """Of each class, label, column or plane, if there are several."""
    sides: ChangedSides | None
    """None if decisions are not right or wrong."""
    changes_measure: str
    changes: Sequence[SampleChange]
    """The samples in which the runs differ most, of numbers and images."""
    words: str
    """One sentence: real, or noise."""
    notes: Sequence[str]
