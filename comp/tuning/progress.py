"""What a study reports while it runs, and the protocol of its reporter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from comp.runs.progress import Reporter, Silent
from comp.tuning.outcome import Outcome, TrialProgress


@dataclass(frozen=True, kw_only=True)
class StudyStart:
    """What is known when a process starts to work on a study."""

    study: str
    folder: Path
    competition: str
    synthetic: bool
    trials: int
    finished: int
    """Trials that are finished already."""
    running: int
    """Trials that wait or that other processes run."""
    space: dict[str, str]
    """Dotted key -> its values, as text."""
    length: str
    folds: int
    sampler: str
    pruner: str
    device: str
    slots: int
    default_outside: list[str]
    """Keys whose default value the space does not contain."""


class StudyReporter(Reporter, Protocol):
    """Shows the progress of a study."""

    def study_started(self, start: StudyStart) -> None:
        """A process starts to work on a study."""

    def trial_started(self, number: int) -> None:
        """A trial starts."""

    def trial_progress(self, progress: TrialProgress) -> None:
        """A trial made progress."""

    def trial_done(self, number: int, outcome: Outcome, best: float | None, done: int) -> None:
        """A trial ended; `best` is the best score of all complete trials, `done` their number and
        that of the pruned and failed ones."""


class SilentStudy(Silent):
    """A reporter that shows nothing."""

    def study_started(self, start: StudyStart) -> None:
        """Show nothing."""

    def trial_started(self, number: int) -> None:
        """Show nothing."""

    def trial_progress(self, progress: TrialProgress) -> None:
        """Show nothing."""

    def trial_done(self, number: int, outcome: Outcome, best: float | None, done: int) -> None:
        """Show nothing."""
