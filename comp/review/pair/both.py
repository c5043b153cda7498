"""Two runs and their comparison."""

from __future__ import annotations

from dataclasses import dataclass

from comp.review.facts import RunFacts
from comp.runs.comparison import Comparison


@dataclass(frozen=True, kw_only=True)
class Both:
    """Two runs of one competition: A and B."""

    found: Comparison
    first: RunFacts
    second: RunFacts

    @property
    def named(self) -> tuple[tuple[str, RunFacts], tuple[str, RunFacts]]:
        """The letter of each run, and the run."""
        return ("A", self.first), ("B", self.second)
