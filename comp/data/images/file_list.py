"""The image files of a run as arrays: hashes of their names, and their size and times.

A million files take 40 MB here; as paths they would take several hundred.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comp.data.images.file_states import FileStates, file_states
from comp.data.images.prepared import relative_key


@dataclass(frozen=True)
class FileList:
    """Different files, sorted by the hash of their name.

    `names` is uint64 (2, N), both halves of a hash of the path relative to `root`. `states` is
    int64 (3, N): size in bytes, and nanoseconds of the last change of content and of status; zeros
    for a file that cannot be found. `path_of` gives the absolute path of one of them.
    `taken_ns` is the time before the states were read.
    """

    names: np.ndarray
    states: np.ndarray
    root: Path | None
    path_of: Callable[[int], str]
    taken_ns: int = 0

    def __len__(self) -> int:
        return int(self.names.shape[1])

    @property
    def key(self) -> str:
        """The start of a SHA-256, in hex, of the names."""
        return hashlib.sha256(self.names.tobytes()).hexdigest()[:16]

    def by_path(self) -> list[int]:
        """The numbers of the files in the order of their paths."""
        paths = [self.path_of(i) for i in range(len(self))]
        return sorted(range(len(paths)), key=paths.__getitem__)


def list_files(paths: Iterable[str], root: Path | None) -> FileList:
    """The different files among absolute paths."""
    answer = file_states(list(paths))
    if root not in answer.notes:
        answer.notes[root] = _file_list(answer, root)
    found: FileList = answer.notes[root]
    return found


def _file_list(answer: FileStates, root: Path | None) -> FileList:
    kept, states = answer.paths, answer.states
    names = name_hashes(kept, root)
    order = np.lexsort((names[1], names[0]))
    names = names[:, order]
    first = np.ones(len(kept), dtype=bool)
    first[1:] = (names[:, 1:] != names[:, :-1]).any(axis=0)
    chosen, names = order[first], np.ascontiguousarray(names[:, first])
    states = np.ascontiguousarray(states[:, chosen])
    return FileList(names, states, root, lambda i: kept[chosen[i]], answer.taken_ns)


def name_hash(path: str, root: Path | None) -> bytes:
    """16 bytes that stand for the path of a file relative to `root`."""
    key = relative_key(path, root).encode(errors="surrogateescape")
    return hashlib.blake2b(key, digest_size=16).digest()


def name_hashes(paths: Iterable[str], root: Path | None) -> np.ndarray:
    """The hashes of names as uint64 (2, N).

    A run with a million files spends seconds here.
    """
    prefix = f"{root}{os.sep}" if root else ""
    joined, length, hashed = bytearray(), len(prefix), hashlib.blake2b
    for path in paths:
        key = path[length:] if prefix and path.startswith(prefix) else path
        key = key if os.sep == "/" or key is path else key.replace(os.sep, "/")
        name = key.encode(errors="surrogateescape")
        joined += hashed(name, digest_size=16).digest()
    return np.frombuffer(joined, dtype="<u8").reshape(-1, 2).T.copy()


def rows_of(names: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The place of each of the `wanted` names (2, M) in sorted `names` (2, N); -1 if it is not
    there."""
    if not names.shape[1]:
        return np.full(wanted.shape[1], -1)
    rows = np.searchsorted(names[0], wanted[0])
    rows[rows == names.shape[1]] = 0
    same = (names[0, rows] == wanted[0]) & (names[1, rows] == wanted[1])
    for i in np.flatnonzero(~same & (names[0, rows] == wanted[0])):  # equal first halves
        pair = (names[0] == wanted[0, i]) & (names[1] == wanted[1, i])
        rows[i], same[i] = pair.argmax(), pair.any()
    return np.where(same, rows, -1)
