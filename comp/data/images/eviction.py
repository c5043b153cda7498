"""List the image caches of a workspace, and remove old ones when disk space is short."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comp.files import read_json

FACTS = "facts.json"
USED = "used"
MAX_CACHE_BYTES = 20_000_000_000
"""Limit of all image caches of a workspace together."""
RECENTLY_USED_S = 3600.0
"""A cache that was used in this time is not removed to make room: another run may use it."""

STALE_AFTER_S = 60.0
"""A partial folder without a write in this time belongs to a process that has ended."""


@dataclass(frozen=True, kw_only=True)
class StoredCache:
    """An image cache on disk.

    `source` is the folder of the image files, `images` their number, `shape` the fields of their
    `ImageSpec`, `bytes` the size of the pixels, `made` the time of creation (ISO 8601, local time),
    and `used` the time of the last use (seconds since 1970). `files` and `content` are those of the
    `FileTable`, "" in a cache of an earlier version.
    """

    path: Path
    source: str
    images: int
    shape: Mapping[str, Any]
    bytes: int
    made: str
    used: float
    files: str = ""
    content: str = ""


def list_caches(folder: Path) -> list[StoredCache]:
    """The complete caches in a folder, the least recently used first."""
    caches = [_read_cache(path) for path in _subfolders(folder) if not path.name.startswith(".")]
    return sorted((cache for cache in caches if cache), key=lambda cache: cache.used)


def _read_cache(path: Path) -> StoredCache | None:
    try:
        used = (path / USED).stat().st_mtime
        return StoredCache(path=path, used=used, **read_json(path / FACTS))
    except (OSError, ValueError, TypeError):
        return None


def mark_used(cache: Path) -> None:
    """Record that a cache is used now; a missing or read-only cache is ignored."""
    try:
        if cache.is_dir():
            (cache / USED).touch()
    except OSError:
        return


def cache_limit_bytes(folder: Path) -> int:
    """Limit of the caches in a folder: 20 GB, or half of the free space plus their own size."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    used = sum(cache.bytes for cache in list_caches(folder))
    return min(MAX_CACHE_BYTES, (shutil.disk_usage(existing).free + used) // 2)


def make_room(folder: Path, needed: int, limit: int) -> bool:
    """Remove the least recently used caches until `needed` more bytes stay within `limit` bytes.

    Returns False, and removes nothing, if the caches of the last hour leave too little room.
    """
    caches = list_caches(folder)
    spare = limit - needed - sum(cache.bytes for cache in caches)
    old = [cache for cache in caches if cache.used < time.time() - RECENTLY_USED_S]
    if spare + sum(cache.bytes for cache in old) < 0:
        return False
    for cache in old:
        if spare >= 0:
            break
        shutil.rmtree(cache.path, ignore_errors=True)
        spare += cache.bytes
    return True


def remove_caches(folder: Path) -> int:
    """Remove all caches of a folder, incomplete ones too; return the bytes freed."""
    before = _folder_bytes(folder)
    for path in _subfolders(folder):
        shutil.rmtree(path, ignore_errors=True)
    return before - _folder_bytes(folder)


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def remove_partial_folders(folder: Path) -> int:
    """Remove the temporary folders of processes that have ended (no write for `STALE_AFTER_S`);
    return the bytes freed."""
    freed = 0
    for part in folder.glob(".*.part") if folder.is_dir() else ():
        try:
            stats = [path.lstat() for path in (part, *part.rglob("*"))]
        except OSError:  # a process is changing it
            continue
        if max(stat.st_mtime for stat in stats) < time.time() - STALE_AFTER_S:
            shutil.rmtree(part, ignore_errors=True)
            freed += 0 if part.exists() else sum(stat.st_size for stat in stats)
    return freed


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
