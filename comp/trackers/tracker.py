"""What a tracker gets, and the protocol of a tracker. The classes run in the tracker's process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Status = Literal["finished", "interrupted", "failed"]
"""How the work on a run ended. A run that is not finished may go on later."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a tracker knows of a run, as JSON values.

    `config` is the flat configuration, `tags` are the user's, `facts` say what the run is, such as
    its device. `options` is the section `track`.
    """

    tracker: str
    folder: str
    run_id: str
    competition: str
    project: str
    config: Mapping[str, Any]
    tags: Sequence[str]
    facts: Mapping[str, str]
    options: Mapping[str, Any]

    @property
    def run_folder(self) -> Path:
        """The folder of the run."""
        return Path(self.folder)

    @property
    def own_folder(self) -> Path:
        """The folder for the records and the files of trackers in the folder of the run."""
        return self.run_folder / FOLDER

    @property
    def workspace(self) -> Path:
        """The folder that contains runs/<competition>/<run id>/."""
        return self.run_folder.parents[2]

    @property
    def limit(self) -> float:
        """Seconds that the tracker has for one answer."""
        return float(self.options["limit"])


FOLDER = "trackers"
"""The name of `Start.own_folder`."""


def record_path(start: Start) -> Path:
    """The file with what the tracker has logged of a run."""
    return start.own_folder / f"{start.tracker}.json"


class Tracker(Protocol):
    """A run in a tracker. Every method may raise what it likes: the host ends the tracker then."""

    id: str
    """With it a later process continues the same run in the tracker."""
    where: str
    """Where the user finds the run."""

    def metrics(self, series: str, step: int, values: Mapping[str, float]) -> None:
        """Log values after `step` steps of a series, such as that of a fold."""

    def summary(self, values: Mapping[str, float]) -> None:
        """Log results, which have no steps. A later value of the same name replaces the first."""

    def notes(self, texts: Sequence[str]) -> None:
        """Show all notes of the run so far."""

    def picture(self, name: str, path: Path) -> None:
        """Show a picture."""

    def file(self, name: str, path: Path) -> None:
        """Keep a file with the run."""

    def close(self, status: Status) -> None:
        """Write everything, and end the run."""
