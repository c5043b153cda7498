"""What is known of the files of a run from earlier runs: the SHA-256 of each, and what was found
in them.

    <caches>/.files/<key of the names>-<key of the root>.npz    names, states, digests
    <caches>/.files/<the same>.json                             what was found, for these bytes

A file is read again only if its size or one of its two times of change differs. The digest of all
bytes then says whether its content changed, so a copy of the data with new times is the same data.
A file that changed shortly before it was hashed is hashed again next time: a second change of the
same size could have the same time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from comp.data.images.cache_index import STATES
from comp.data.images.decode_many import absolute_path, file_digest, map_in_threads
from comp.data.images.eviction import list_caches
from comp.data.images.file_list import FileList, name_hashes, rows_of
from comp.data.images.file_states import file_state
from comp.errors import CompError
from comp.files import read_json, replacing, write_text

FOLDER = ".files"
SETTLED_NS = 2_000_000_000
"""Two changes within this time may have the same time: some disks count seconds."""
_DAMAGED = (OSError, ValueError, KeyError, EOFError, BadZipFile)
"""What a damaged table raises."""
DIGEST = 32
"""Bytes of a digest; zeros for a file that cannot be read."""


@dataclass(frozen=True)
class FileTable:
    """The files of a run with their digests, uint8 (N, 32).

    The digests of `stale` files are not known: they are new, changed, or changed too recently.
    `path` is where the table is stored.
    """

    files: FileList
    digests: np.ndarray
    stale: np.ndarray
    path: Path
    was_settled: np.ndarray
    """The files whose digests an earlier run stored for good."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What was found before all files were hashed."""

    @classmethod
    def open(cls, caches: Path, files: FileList) -> FileTable:
        """The table of these files from earlier runs; without one all files are stale."""
        count = len(files)
        digests, stale = np.zeros((count, DIGEST), np.uint8), np.ones(count, dtype=bool)
        path = table_path(caches, files.key, files.root)
        with suppress(*_DAMAGED), _stored(path) as stored:
            known = stored["settled"] & (stored["states"] == files.states).all(axis=0)
            digests[known], stale = stored["digests"][known], ~known
        return cls(files, digests, stale, path, ~stale)

    @property
    def is_known(self) -> bool:
        """Whether no file is stale."""
        return not self.stale.any()

    @property
    def content(self) -> str:
        """The start of a SHA-256, in hex, of the names and the digests."""
        total = hashlib.sha256(self.files.names.tobytes())
        total.update(np.ascontiguousarray(self.digests).data)
        return total.hexdigest()[:24]

    def hashed(self, workers: int | None = None) -> FileTable:
        """The table after all stale files are read. A file that has changed since it was listed
        stays stale for later runs."""
        stale = np.flatnonzero(self.stale).tolist()
        paths = [self.files.path_of(i) for i in stale]
        read = self.with_digests(zip(stale, map_in_threads(file_digest, paths, workers)))  # noqa: B905
        listed = self.files.states.T[stale].tolist()
        for i, path, state in zip(stale, paths, listed, strict=True):
            read.stale[i] = file_state(path) != tuple(state)
        return read

    def with_digests(self, found: Iterable[tuple[int, bytes]]) -> FileTable:
        """The table with the digests of files by their numbers."""
        digests, stale = self.digests.copy(), self.stale.copy()
        for i, digest in found:
            digests[i], stale[i] = np.frombuffer(digest, np.uint8), False
        return replace(self, digests=digests, stale=stale)

    def save(self) -> None:
        """Store the table for later runs, if it is new; a disk that cannot be written to is done
        without."""
        if self.was_settled.all():
            return
        states = self.files.states
        changed = states[1:].max(axis=0, initial=0)
        settled = ~self.stale & (changed < self.files.taken_ns - SETTLED_NS)
        settled &= self.digests.any(axis=1) | ~states.any(axis=0)  # else a disk withheld the file
        names, digests, content = self.files.names, self.digests, np.array(self.content)
        arrays = {"states": states, "settled": settled, "content": content}
        with suppress(OSError, CompError), replacing(self.path) as path, path.open("wb") as stream:
            np.savez(stream, names=names, digests=digests, **arrays)
        if self.is_known:
            for what, value in self.memory.items():
                self.remembered(what, partial(_itself, value))

    def remembered(
        self, what: str, find: Callable[[], Any], keep: Callable[[Any], bool] = lambda _: True
    ) -> Any:
        """A value of JSON that depends on `what` and on the bytes of the files: as an earlier run
        found it, or else of `find`, for later ones if `keep` says so.

        While files are stale, it is remembered by `save`.
        """
        if not self.is_known:
            if what in self.memory:
                return self.memory[what]
            value = find()
            if keep(value):
                self.memory[what] = value
            return value
        memory, found = self.path.with_suffix(".json"), {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            stored = read_json(memory)
            found = dict(stored["found"]) if stored["content"] == self.content else {}
        if what not in found:
            found[what] = find()
            if not keep(found[what]):
                return found[what]
            with suppress(OSError, CompError):
                write_text(memory, json.dumps({"content": self.content, "found": found}))
        return found[what]


def _itself(value: Any) -> Any:
    return value


@contextmanager
def _stored(path: Path) -> Iterator[Any]:
    """The arrays of a table; numpy alone leaves a damaged file open."""
    with path.open("rb") as stream, np.load(stream) as arrays:
        yield arrays


def table_path(caches: Path, key: str, root: Path | None) -> Path:
    """Where the table of files with the names of `key` in `root` is stored."""
    place = hashlib.sha256(os.fsencode(str(root or ""))).hexdigest()[:8]
    return caches / FOLDER / f"{key}-{place}.npz"


def are_unchanged(
    caches: Path, key: str, content: str, root: Path | None, files: FileList
) -> bool | None:
    """Whether all of some files have the state with which they were hashed, for `content`; None if
    there is no table of them, as on another machine.

    Files that are not in the table are left out.

    Args:
        key: the key of the names of all files in the table.
    """
    path = table_path(caches, key, root)
    if not path.is_file():
        return None
    try:
        with _stored(path) as stored:
            if str(stored["content"]) != content:
                return False
            rows = rows_of(stored["names"], files.names)
            states = stored["states"][:, rows[rows >= 0]]
    except _DAMAGED:
        return False
    return bool((states == files.states[:, rows >= 0]).all())


def forget_changed(caches: Path, files: FileList, digests: Sequence[bytes]) -> list[int]:
    """The numbers of files whose digest is not the stored one, though their state is. What is
    stored of such files and their states is removed, so that the next run hashes all files."""
    changed: set[int] = set()
    for root in {files.root, None}:
        full = [files.path_of(i) for i in range(len(files))]
        names = files.names if root == files.root else name_hashes(full, root)
        for path in (caches / FOLDER).glob(table_path(caches, "*", root).name):
            with suppress(*_DAMAGED):
                known, of_files = _known(path, names, files.states)
                pairs = zip(known, of_files, strict=True)
                found = [i for i, stored in pairs if bytes(stored) != digests[i]]
                changed.update(found)
                if found:
                    _forget(caches, path)
    return sorted(changed)


def _forget(caches: Path, table: Path) -> None:
    """Remove a table, and the states of the files in the caches of its images."""
    table.unlink()
    table.with_suffix(".json").unlink(missing_ok=True)
    for cache in list_caches(caches):
        if cache.files == table.name.partition("-")[0]:
            (cache.path / STATES).unlink(missing_ok=True)


def known_digests(
    caches: Path, paths: Sequence[str], states: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The digests of files that a table knows for good, uint8 (N, 32), and which files these are,
    bool (N,).

    Args:
        states: int64 (3, N), as of `FileList`.
    """
    digests, found = np.zeros((len(paths), DIGEST), np.uint8), np.zeros(len(paths), dtype=bool)
    full = [absolute_path(path) for path in paths]
    for root in (*Path(full[0]).parents, None) if full else ():
        tables = list((caches / FOLDER).glob(table_path(caches, "*", root).name))
        names = name_hashes(full, root) if tables else np.empty(0)
        for path in tables:
            with suppress(*_DAMAGED):
                known, of_files = _known(path, names, states)
                digests[known], found[known] = of_files, True
    return digests, found


def _known(path: Path, names: np.ndarray, states: np.ndarray) -> tuple[list[int], np.ndarray]:
    """The numbers of the files of these states that a stored table knows for good, and their
    digests."""
    with _stored(path) as stored:
        rows = rows_of(stored["names"], names)
        known = (rows >= 0) & stored["settled"][rows]
        known &= (stored["states"][:, rows] == states).all(axis=0)
        return np.flatnonzero(known).tolist(), stored["digests"][rows[known]]
