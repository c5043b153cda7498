"""The folder of a study, and the study.json that describes it.

tuning/<competition>/<study>/
  study.json      the settings of the study, and what its trials have in common
  space.toml      the space that is searched
  journal.log     the trials, in Optuna's journal storage
  folds.csv       the folds of all trials
  study.lock      locked while a process asks for a trial
  workers/        a file for each process that works on the study, which it locks
  trial-0007/     run.json and fold-0/ ... with the out-of-fold predictions, without weights
  trials.csv, result.json, best.toml, study.png
                  the result so far
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from comp.errors import RunError
from comp.files import is_locked, make_folder, read_json, take_lock, write_error, write_json
from comp.streams import print_to_stderr
from comp.workspace import Workspace

LOCK_S = 60.0
"""Seconds to wait for another process that asks for a trial."""


@dataclass(frozen=True)
class StudyFolder:
    """The folder of one study."""

    path: Path

    @property
    def name(self) -> str:
        """The name of the study, which is that of its folder."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """The trials."""
        return self.path / "journal.log"

    @property
    def folds_csv(self) -> Path:
        """The folds of all trials."""
        return self.path / "folds.csv"

    @property
    def best(self) -> Path:
        """The configuration of the best trial."""
        return self.path / "best.toml"

    @property
    def picture(self) -> Path:
        """The picture of the trials."""
        return self.path / "study.png"

    @property
    def table(self) -> Path:
        """The table of the trials."""
        return self.path / "trials.csv"

    def trial(self, number: int) -> Path:
        """The folder of a trial."""
        return self.path / f"trial-{number:04d}"

    def exists(self) -> bool:
        """Whether the study was created."""
        return (self.path / "study.json").is_file()

    def record(self) -> dict[str, Any]:
        """Read study.json.

        Raises:
            RunError: the file is missing or damaged.
        """
        path = self.path / "study.json"
        try:
            record = dict(read_json(path))
        except (OSError, ValueError, TypeError) as error:
            raise RunError(
                f"{self.path} is not a study: study.json cannot be read ({error}); delete it, or "
                "give another name with --study"
            ) from None
        return record

    def update_record(self, **values: Any) -> None:
        """Add values to study.json, or replace them; the caller holds the lock."""
        write_json(self.path / "study.json", (self.record() if self.exists() else {}) | values)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from asking for trials inside the block.

        Raises:
            DiskError: the folder cannot be written.
            RunError: another process holds the lock for too long.
        """
        make_folder(self.path, parents=True)
        path = self.path / "study.lock"
        try:
            lock = take_lock(path, timeout_s=LOCK_S, warn=print_to_stderr)
        except TimeoutError:
            raise RunError(f"another process holds {path} for a minute: end it") from None
        except OSError as error:
            raise write_error(path, error) from None
        with lock:
            yield

    @contextmanager
    def worker(self) -> Iterator[str]:
        """Yield an id of this process, which `works` knows while the block runs."""
        name = f"{platform.node()}-{os.getpid()}-{uuid4().hex[:6]}"
        path = self._worker(name)
        make_folder(path.parent, parents=True)
        with take_lock(path, timeout_s=1, warn=print_to_stderr):
            yield name
        with suppress(OSError):
            path.unlink(missing_ok=True)

    def works(self, name: str) -> bool:
        """Whether the process with this id runs."""
        return is_locked(self._worker(name))

    def _worker(self, name: str) -> Path:
        return self.path / "workers" / f"{name}.lock"

    def remove_trial(self, number: int) -> None:
        """Delete the folder of a trial, if it exists."""
        shutil.rmtree(self.trial(number), ignore_errors=True)


def studies_of(workspace: Workspace, competition: str) -> list[StudyFolder]:
    """The studies of a competition, the newest last."""
    paths = (workspace.out / "tuning" / competition).glob("*/study.json")
    return [StudyFolder(path.parent) for path in sorted(paths, key=lambda p: p.stat().st_mtime)]


def study_folder(workspace: Workspace, competition: str, name: str) -> StudyFolder:
    """The folder of a study, which may not exist yet.

    Raises:
        RunError: the name is not that of a folder.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise RunError(f"--study {name!r} is not the name of a folder: use letters and digits")
    return StudyFolder(workspace.out / "tuning" / competition / name)
