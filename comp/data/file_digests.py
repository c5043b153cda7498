"""The SHA-256 of many files, which are read again only if they have changed.

    <caches>/.digests/<key>.npz    the states and digests of files, in their order

A file is read again if its size or one of its two times of change differs, so a copy of the data is
read once. A program can set the time of the content back, but not that of the status. What changed
shortly before it was read is read again next time: a second change could have the same time. Files
that were hashed for the cache of images are not read again for this one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from comp.data.cores import cores
from comp.data.images.file_states import file_states
from comp.data.images.file_table import known_digests
from comp.errors import CompError
from comp.files import replacing

FOLDER = ".digests"
KEPT = 16
"""Lists of files that are remembered; the oldest are removed."""
SETTLED_NS = 2_000_000_000
"""Two changes within this time may have the same time: some disks count seconds."""
IMAGES = "images"
"""The folder in the caches with the caches of images and the tables of their files."""
BLOCK, BLOCKS = 1 << 14, 8
"""Bytes and number of the parts of a file that are read if it is sampled."""
_UNREADABLE = OSError, EOFError, ValueError, KeyError, BadZipFile
"""What a damaged file of numpy raises."""
_CHUNK = 64
"""Files that a thread reads at once."""


def existing_states(paths: list[str]) -> np.ndarray:
    """The states of files as of `comp.data.images.file_states`, int64 (3, N).

    Raises:
        OSError: a file does not exist.
    """
    states = file_states(paths).states
    absent = np.flatnonzero(~states.any(axis=0)).tolist()
    if absent:
        states = states.copy()
        for i in absent:
            status = os.stat(paths[i])  # noqa: PTH116
            states[:, i] = status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return states


def digests_of(
    paths: Sequence[str], states: np.ndarray, caches: Path | None, sampled: bool = False
) -> np.ndarray:
    """The SHA-256 of each file, uint8 (N, 32).

    Args:
        states: of `existing_states`.
        caches: the folder of caches; None: nothing is remembered.
        sampled: of the size and at most `BLOCKS` parts of a file, else of all its bytes.

    Raises:
        OSError: a file cannot be read.
    """
    started_ns = time.time_ns()
    memory = _memory(caches, paths, sampled) if caches and paths else None
    digests, stale = _remembered(memory, states)
    wanted = np.flatnonzero(stale)
    if not len(wanted):
        return digests
    if caches and not sampled:
        few = [paths[i] for i in wanted.tolist()]
        digests[wanted], known = known_digests(caches / IMAGES, few, states[:, wanted])
        wanted = wanted[~known]
    read = partial(_digests, [paths[i] for i in wanted.tolist()], sampled)
    with ThreadPoolExecutor(min(8, cores())) as pool:
        found = b"".join(pool.map(read, range(0, len(wanted), _CHUNK)))
    digests[wanted] = np.frombuffer(found, dtype=np.uint8).reshape(-1, 32)
    if memory:
        settled = states[1:].max(axis=0) < started_ns - SETTLED_NS
        _remember(memory, states=states, digests=digests, settled=settled)
    return digests


def forget_digests(caches: Path) -> None:
    """Remove all digests that are remembered in a folder of caches: files are read again."""
    shutil.rmtree(caches / FOLDER, ignore_errors=True)


def _digests(paths: Sequence[str], sampled: bool, start: int) -> bytes:
    """The digests of some files."""
    found = []
    for path in paths[start : start + _CHUNK]:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - paths of pathlib are slow
            size = os.fstat(stream.fileno()).st_size
            if not sampled:
                found.append(_all_bytes(stream, size))
                continue
            total = hashlib.sha256(f"{size}\n".encode())
            last = max(0, size - BLOCK)
            for offset in sorted({last * i // (BLOCKS - 1) for i in range(BLOCKS)}):
                stream.seek(offset)
                total.update(stream.read(BLOCK))
            found.append(total.digest())
    return b"".join(found)


def _all_bytes(stream: object, size: int) -> bytes:
    """The digest of a whole file: a small one is read at once."""
    if size > 1 << 20:
        return hashlib.file_digest(stream, "sha256").digest()  # type: ignore[arg-type]
    return hashlib.sha256(stream.readall()).digest()  # type: ignore[attr-defined]


def _memory(caches: Path, paths: Sequence[str], sampled: bool) -> Path:
    """Where the digests of these files are remembered."""
    key = hashlib.sha256(f"{Path.cwd()}\0{sampled}\0".encode(errors="surrogateescape"))
    for start in range(0, len(paths), 4096):
        key.update("\0".join(paths[start : start + 4096]).encode(errors="surrogateescape"))
        key.update(b"\0")
    return caches / FOLDER / f"{key.hexdigest()[:24]}.npz"


def _remembered(memory: Path | None, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The digests of earlier commands, and whether each must be made."""
    count = states.shape[1]
    if memory:
        with suppress(*_UNREADABLE), memory.open("rb") as stream, np.load(stream) as stored:
            known = stored["settled"] & (stored["states"] == states).all(axis=0)
            return stored["digests"], ~known
    return np.zeros((count, 32), np.uint8), np.ones(count, dtype=bool)


def _remember(memory: Path, **arrays: np.ndarray) -> None:
    """Keep digests; a disk that cannot be written to is done without."""
    with suppress(OSError, CompError):
        with replacing(memory) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
        lists = sorted(memory.parent.glob("*.npz"), key=lambda path: path.stat().st_mtime)
        for path in lists[:-KEPT]:
            path.unlink(missing_ok=True)
