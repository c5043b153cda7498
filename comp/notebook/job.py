"""What the steps of one submission with a notebook work with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from comp.kaggle.candidate import Candidate
from comp.kaggle.client.session import Kaggle
from comp.kaggle.submit import SubmitReporter
from comp.submission.ledger import Attempt, Ledger, State
from comp.workspace import Workspace

Gpu = Literal["none", "p100", "t4x2"]


class NotebookReporter(SubmitReporter, Protocol):
    """Shows the steps to the user."""

    def session(self, state: str, seconds: float, limit_s: float) -> None:
        """Show the state of the session, for how long it was watched, and its time limit."""


@dataclass(frozen=True, kw_only=True)
class NotebookOptions:
    """The options of the user."""

    message: str = ""
    force: bool = False
    """Begin again, even if this bundle was submitted before."""
    retry_unknown: bool = False
    """Send a request again whose outcome is unknown and of which Kaggle shows nothing."""
    wait: bool = True
    """Wait for the session and for the score."""
    run: bool = True
    """Run the notebook; else it is only saved."""
    model: bool = False
    """Bring the weights as a Kaggle model, else as a data set."""
    gpu: Gpu = "t4x2"
    session_s: int = 9 * 3600
    """The time limit of the session on Kaggle."""
    data: Path | None = None
    """Folder or zip file to check the submission file against, or with test labels."""


@dataclass(frozen=True, kw_only=True)
class ReadyBundle:
    """A complete, rehearsed bundle."""

    folder: Path
    manifest_id: str
    files: dict[str, int]
    """The files to upload, with their bytes: those of the manifest, and the manifest."""
    estimate: str = ""
    """How long the session will take at Kaggle, in words; "" if unknown."""

    @property
    def bytes(self) -> int:
        """The size of the upload."""
        return sum(self.files.values())

    @property
    def mark(self) -> str:
        """What stands for the manifest in notes and names of files on Kaggle."""
        return f"bundle-{self.manifest_id[:20]}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One call of `comp submit --code`."""

    candidate: Candidate
    """The run; its path is the folder of the bundle."""
    bundle: ReadyBundle
    kaggle: Kaggle
    ledger: Ledger
    workspace: Workspace
    options: NotebookOptions
    reporter: NotebookReporter

    @property
    def name(self) -> str:
        """The name of the competition."""
        return self.candidate.competition.name

    @property
    def scores_on_kaggle(self) -> bool:
        """Whether Kaggle scores submissions; a data set has no submissions."""
        return self.candidate.competition.kaggle.startswith("competitions/")

    def record(self, event: State, attempt: Attempt, **facts: Any) -> Attempt:
        """Write an event of an attempt into the ledger and return the attempt after it."""
        self.ledger.append(event, attempt.tag, self.name, **facts)
        return self.reread(attempt)

    def reread(self, attempt: Attempt) -> Attempt:
        """The attempt as the ledger has it now."""
        return next(a for a in self.ledger.attempts(self.name) if a.tag == attempt.tag)
