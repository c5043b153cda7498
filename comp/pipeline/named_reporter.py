"""Reports the training of one of several networks of a fold under its name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from comp.runs.progress import Reporter, Step


@dataclass(frozen=True)
class NamedReporter:
    """Passes everything on to `reporter`; the steps are named as those of the network `name`."""

    reporter: Reporter
    name: str

    def step(self, step: Step) -> None:
        """Report the progress of the network."""
        self.reporter.step(replace(step, part=self.name))

    def __getattr__(self, name: str) -> Any:
        """The other methods are those of the reporter."""
        return getattr(self.reporter, name)
