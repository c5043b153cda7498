"""What a first look at data has found: one record, as JSON for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from comp.data.audit.audit import Audit
from comp.data.audit.findings import Finding
from comp.exploration.balance import Balance
from comp.exploration.clusters import Clusters
from comp.exploration.columns import Columns
from comp.exploration.copies import Copies
from comp.exploration.looks import Looks
from comp.exploration.neighbours import Neighbours, SameClass
from comp.exploration.plane import Map
from comp.exploration.targets import Targets


@dataclass(frozen=True, kw_only=True)
class Left:
    """A part that a look leaves out, and why."""

    part: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The samples that were compared, and by what. `why` says why there are no embeddings."""

    by: str
    backbone: str
    why: str
    train: int
    test: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """A first look at the data of a competition.

    `train` and `test` are the numbers of samples. What does not apply is None, and `left` says why
    something is missing that could be there.
    """

    competition: str
    title: str
    audit: Audit
    train: int
    test: int
    seconds: float
    balance: Balance | None = None
    looks: Looks | None = None
    copies: Copies | None = None
    targets: Targets | None = None
    columns: Columns | None = None
    compared: Compared | None = None
    clusters: Clusters | None = None
    map: Map | None = None
    neighbours: Sequence[Neighbours] = ()
    same_class: SameClass | None = None
    left: Sequence[Left] = ()

    @property
    def findings(self) -> Sequence[Finding]:
        """What `comp check` finds, the worst first."""
        return self.audit.findings

    def values(self) -> dict[str, Any]:
        """Everything in values of JSON."""
        parts = {name: asdict(part) for name in PARTS if (part := getattr(self, name)) is not None}
        counts = Counter(finding.severity for finding in self.findings)
        return {
            "competition": self.competition,
            "title": self.title,
            "data": str(self.audit.data),
            "synthetic": self.audit.synthetic,
            "train": self.train,
            "test": self.test,
            "seconds": self.seconds,
            **dict.fromkeys(PARTS),
            **parts,
            "neighbours": [asdict(neighbours) for neighbours in self.neighbours],
            "left": [asdict(left) for left in self.left],
            "findings": [asdict(finding) for finding in self.findings],
            "drifts": [drift.record() for drift in self.audit.drifts],
            "errors": counts["error"],
            "warnings": counts["warning"],
        }


PARTS = (
    *("balance", "looks", "copies", "targets", "columns"),
    *("compared", "clusters", "map", "same_class"),
)
"""Fields of `Exploration` that are records or None."""
