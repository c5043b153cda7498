"""The folder of a run on a node that does not share the disk: what a task needs of it, and the
files that the task writes, which travel back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from comp.engines.node_files import State, list_files
from comp.files import make_folder, write_bytes

FOLDS, RECORD, READER, SAMPLES = "folds.csv", "run.json", "reader", "samples.parquet"
"""Names in a run's folder, which only the machine of the run writes."""
RESUME, META, LOCK = "resume.pt", "meta.json", ".lock"

Changes = list[tuple[str, bytes | None]]
"""Relative path -> new bytes, None if the file was removed; in the order in which to write them."""


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """The files of a run that a task needs, and what identifies the folder on a shared disk."""

    path: Path
    identity: tuple[int, ...]
    files: Mapping[str, bytes]

    def is_here(self) -> bool:
        """Whether this machine sees the folder itself, as on a shared disk."""
        return _identity(self.path) == self.identity


def find_run(path: Path) -> Path | None:
    """The folder of the run that `path` is, or is in; None if it is not in a run."""
    for folder in (path, *path.parents[:4]):
        if (folder / FOLDS).is_file() and (
            (folder / RECORD).is_file() or (folder / READER).is_dir()
        ):
            return folder
    return None


def read_run(run: Path, parts: Iterable[Path] = ()) -> RunFiles:
    """Read what a task needs: the folds, the samples, the record, the reader's files, and
    unfinished parts.

    Args:
        parts: the folders in the run in which the task works; empty if it may be any.
    """
    chosen = {path.relative_to(run).parts[0] for path in parts if path != run}
    files = {}
    for name in list_files(run):
        top, _, inside = name.partition("/")
        shared = top in (FOLDS, RECORD, READER, SAMPLES)
        part = inside and (top in chosen if chosen else not (run / top / META).is_file())
        if (shared or part) and not name.endswith(LOCK):
            files[name] = (run / name).read_bytes()
    return RunFiles(path=run, identity=_identity(run), files=files)


def _identity(run: Path) -> tuple[int, ...]:
    """The file of folds as the disk knows it: a copy of it differs in its number or its time."""
    try:
        status = (run / FOLDS).stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


@dataclass
class RunCopy:
    """A copy of a run's folder, in which one task works."""

    path: Path
    known: dict[str, State] = field(default_factory=dict)
    """The files that the machine of the run has."""

    @classmethod
    def write(cls, run: RunFiles, path: Path) -> RunCopy:
        """Write the files of a run to a new folder."""
        make_folder(path, parents=True)
        for name, data in run.files.items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return cls(path)

    def mark_known(self) -> None:
        """Take the present files as those that the machine of the run has."""
        self.known = self._parts()

    def changes(self) -> Changes:
        """What the task changed since the last call.

        A history is read after the checkpoint that it belongs to, and the file that says that a
        part is finished is the last; it is the first to be removed.
        """
        present, before = self._parts(), self.known
        gone = sorted(set(before) - set(present), key=lambda name: -_rank(name))
        new = sorted((n for n, s in present.items() if before.get(n) != s), key=_rank)
        read: Changes = [(name, None) for name in gone]
        for name in new:
            try:
                read.append((name, (self.path / name).read_bytes()))
            except FileNotFoundError:  # removed at this moment: the next call finds that
                del present[name]
        self.known = present
        return read

    def _parts(self) -> dict[str, State]:
        """The files of the folds, without locks and what only the machine of the run writes."""
        return {
            name: state
            for name, state in list_files(self.path).items()
            if "/" in name and not name.startswith(f"{READER}/") and not name.endswith(LOCK)
        }


def _rank(name: str) -> int:
    return {RESUME: 0, META: 2}.get(os.path.basename(name), 1)  # noqa: PTH119


def write_changes(run: Path, changes: Changes) -> None:
    """Write to the run's folder what a task changed on a node.

    Raises:
        DiskError: the disk is full.
    """
    for name, data in changes:
        if data is None:
            (run / name).unlink(missing_ok=True)
        else:
            write_bytes(run / name, data)
