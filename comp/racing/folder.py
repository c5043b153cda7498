"""The folder of a race, and the race.json that describes it.

races/<competition>/<race id>/
  race.json     configuration, candidates, rounds, seconds spent, winner, state
  race.lock     locked by the process that works on the race
  candidate-3/  the training of a candidate that is not finished: plan.json, resume.pt, ...
  cache/        images of other sizes, and features, until the race ends
  held-out/     predictions of the default and of the best, until the race ends
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from comp.config.schema import RunConfig
from comp.errors import RunError
from comp.files import is_locked, read_json, take_lock, write_error, write_json
from comp.runs.folder import RunFolder, config_hash
from comp.runs.race import Candidate, RaceRound
from comp.streams import print_to_stderr
from comp.workspace import Workspace

SAVE_EVERY_S = 10.0
"""Seconds of a race that a crash may forget."""


@dataclass(frozen=True)
class RaceFolder:
    """The folder of one race."""

    path: Path

    @property
    def race_id(self) -> str:
        """The id of the race, which is the name of its folder."""
        return self.path.name

    @property
    def cache(self) -> Path:
        """Images and features of the candidates."""
        return self.path / "cache"

    @property
    def held_out(self) -> Path:
        """Predictions of held-out samples, in a folder for each candidate."""
        return self.path / "held-out"

    def candidate(self, number: int) -> Path:
        """What the training of a candidate writes."""
        return self.path / f"candidate-{number}"

    def record(self) -> dict[str, Any]:
        """Read race.json.

        Raises:
            RunError: it is missing or damaged.
        """
        try:
            return dict(read_json(self.path / "race.json"))
        except (OSError, ValueError, TypeError) as error:
            raise RunError(
                f"{self.path} is not a race: race.json cannot be read ({error}); start a new race"
            ) from None

    def update_record(self, **values: Any) -> None:
        """Add values to race.json, or replace them."""
        path = self.path / "race.json"
        write_json(path, (read_json(path) if path.is_file() else {}) | values)

    def candidates(self) -> list[Candidate]:
        """The candidates of race.json.

        Raises:
            RunError: they are damaged.
        """
        found: list[Candidate] = self._parsed("candidates", list[Candidate])
        return found

    def rounds(self) -> list[RaceRound]:
        """The rounds of race.json, the last one perhaps not finished.

        Raises:
            RunError: they are damaged.
        """
        found: list[RaceRound] = self._parsed("rounds", list[RaceRound])
        return found

    def _parsed(self, key: str, kind: Any) -> Any:
        try:
            return TypeAdapter(kind).validate_python(self.record().get(key, []))
        except ValidationError:
            raise RunError(
                f"{self.path / 'race.json'} is damaged: {key} cannot be read; start a new race"
            ) from None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Lock the race, and record that it was interrupted or failed, if it does.

        Raises:
            DiskError: the lock file cannot be written.
            RunError: another process works on the race.
        """
        lock = self.path / "race.lock"
        try:
            taken = take_lock(lock, timeout_s=1, warn=print_to_stderr)
        except TimeoutError:
            raise RunError(
                f"another process is working on race {self.race_id}: wait for it"
            ) from None
        except OSError as error:
            raise write_error(lock, error) from None
        with taken:
            self.update_record(state="running")
            try:
                yield
            except BaseException:
                self.update_record(state="interrupted")
                raise

    def clean(self) -> None:
        """Remove the caches, and what the candidates have written."""
        for path in (self.cache, self.held_out, *self.path.glob("candidate-*")):
            shutil.rmtree(path, ignore_errors=True)

    def run(self, workspace: Workspace, competition: str) -> RunFolder | None:
        """The run of the winner, if it exists."""
        for path in sorted(workspace.runs(competition).glob("*/run.json"), reverse=True):
            folder = RunFolder(path.parent)
            try:
                origin = folder.record().get("race") or {}
            except RunError:
                continue
            if origin.get("id") == self.race_id:
                return folder
        return None


def create_race(workspace: Workspace, config: RunConfig) -> RaceFolder:
    """Make the folder of a new race.

    Raises:
        RunError: it cannot be made.
    """
    races = workspace.out / "races" / config.competition
    stem = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{config_hash(config)[:6]}"
    for attempt in range(1, 100):
        path = races / (stem if attempt == 1 else f"{stem}-{attempt}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"cannot write to {races}: {error.strerror}; use --out") from None
        return RaceFolder(path)
    raise RunError(f"{races} already contains 99 races named {stem}: use --out")


def newest_unfinished_race(workspace: Workspace, competition: str) -> RaceFolder:
    """The newest race of a competition that is not finished, and on which no process works.

    Raises:
        RunError: there is none.
    """
    races = workspace.out / "races" / competition
    for path in sorted(races.glob("*/race.json"), reverse=True):
        folder = RaceFolder(path.parent)
        try:
            state = folder.record().get("state")
        except RunError:
            continue
        if state != "finished" and not is_locked(folder.path / "race.lock"):
            return folder
    raise RunError(f"no unfinished race of {competition} in {races}: nothing to resume")


class Stopwatch:
    """The seconds of a race, which are in race.json also after a crash.

    Args:
        began: `time.perf_counter()` when the race began, earlier by the seconds before a stop.
    """

    def __init__(self, folder: RaceFolder, began: float) -> None:
        self._folder, self._began, self._saved = folder, began, 0.0

    def tick(self) -> None:
        """Record the seconds, unless that was done a moment ago."""
        now = time.perf_counter()
        if now - self._saved >= SAVE_EVERY_S:
            self._saved = now
            self._folder.update_record(spent_s=now - self._began)
