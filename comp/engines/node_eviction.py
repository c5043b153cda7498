"""What a node keeps of what it fetched: the least recently used goes first."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 100_000_000_000
"""Limit of all that a node keeps, except for what tasks use."""
RECENTLY_USED_S = 3600.0
"""What was used in this time is not removed: a running task marks what it uses."""
LEFT_S = 24 * 3600.0
"""What a killed process left, and did not finish, is removed after this time."""
TASKS = "tasks"
"""The folder of the copies of runs, one for each running task."""


def mark_used(folder: Path) -> None:
    """Record that a folder is used now; one that is missing or read-only is ignored."""
    with suppress(OSError):
        os.utime(folder)


def limit_bytes(cache: Path, used: int) -> int:
    """The limit of a cache with `used` bytes: 100 GB, or half of the disk that it could use."""
    return min(MAX_BYTES, (shutil.disk_usage(cache).free + used) // 2)


def make_room(cache: Path, needed: int) -> None:
    """Remove the least recently used folders until `needed` more bytes stay within the limit, and
    what killed processes left. If tasks use the rest, the limit does not hold."""
    _remove_left(cache)
    kept = sorted((_used_at(path), path) for path in _folders(cache) if path.name != TASKS)
    sizes = {path: _bytes(path) for _, path in kept}
    spare = limit_bytes(cache, sum(sizes.values())) - needed - sum(sizes.values())
    for used_at, path in kept:
        if spare < 0 and used_at < time.time() - RECENTLY_USED_S:
            _remove(path)
            spare += sizes[path]


def _remove_left(cache: Path) -> None:
    """Remove copies of runs whose task is gone, and unfinished folders."""
    now = time.time()
    for path in _folders(cache / TASKS):
        if _used_at(path) < now - RECENTLY_USED_S:
            shutil.rmtree(path, ignore_errors=True)
    for path in _folders(cache, hidden=True):
        if _used_at(path) < now - LEFT_S:
            shutil.rmtree(path, ignore_errors=True)


def _remove(path: Path) -> None:
    """Remove a folder, under another name: a part of it does not look like all of it."""
    with suppress(OSError):
        gone = path.rename(path.with_name(f".{path.name}.gone"))
        shutil.rmtree(gone, ignore_errors=True)


def _folders(folder: Path, hidden: bool = False) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and path.name.startswith(".") == hidden:
            yield path


def _used_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process removes it
        return time.time()


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total
