"""The image caches that stand in a workspace: what they hold, and which go when room is short."""

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
"""All caches of a workspace together take no more than this."""
SPARED_S = 3600.0
"""A cache that was used so lately is not removed to make room: another run may need it."""

QUIET_S = 60.0
"""Nobody unpacks into a folder to which nothing was written for so long."""


@dataclass(frozen=True, kw_only=True)
class StoredCache:
    """One cache: its folder, the folder of its images, how many they are, what shape they have
    (the fields of `comp.contract.competition.ImageSpec`), its size in bytes, and when it was made (ISO 8601,
    local time) and last used (seconds since 1970)."""

    path: Path
    source: str
    images: int
    shape: Mapping[str, Any]
    bytes: int
    made: str
    used: float


def stored(folder: Path) -> list[StoredCache]:
    """The caches in a folder, the least recently used first; what is no whole cache is left out."""
    found = [_stored(path) for path in _entries(folder) if not path.name.startswith(".")]
    return sorted((one for one in found if one), key=lambda one: one.used)


def _stored(path: Path) -> StoredCache | None:
    try:
        used = (path / USED).stat().st_mtime
        return StoredCache(path=path, used=used, **read_json(path / FACTS))
    except (OSError, ValueError, TypeError):
        return None


def touch(cache: Path) -> None:
    """Note that a cache is used now; a cache that cannot be written to, or is gone, stays so."""
    try:
        if cache.is_dir():
            (cache / USED).touch()
    except OSError:
        return


def cache_limit_bytes(folder: Path) -> int:
    """What the caches in a folder may take: 20 GB, or half of the disk that is theirs or free."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    held = sum(one.bytes for one in stored(folder))
    return min(MAX_CACHE_BYTES, (shutil.disk_usage(there).free + held) // 2)


def make_room(folder: Path, needed: int, limit: int) -> bool:
    """Remove the least recently used caches until `needed` more bytes stay within `limit` bytes.

    Returns False, and removes nothing, where that cannot be had without the caches that were used
    in the last hour.
    """
    caches = stored(folder)
    spare = limit - needed - sum(one.bytes for one in caches)
    old = [one for one in caches if one.used < time.time() - SPARED_S]
    if spare + sum(one.bytes for one in old) < 0:
        return False
    for one in old:
        if spare >= 0:
            break
        shutil.rmtree(one.path, ignore_errors=True)
        spare += one.bytes
    return True


def clear(folder: Path) -> int:
    """Remove all caches of a folder, and what broken-off runs left there; returns bytes freed."""
    freed = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    for path in _entries(folder):
        shutil.rmtree(path, ignore_errors=True)
    left = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    return freed - left


def sweep(folder: Path) -> int:
    """Remove the folders that were being made in a folder by processes that are gone, which is to
    say that nothing was written to them lately; returns bytes freed."""
    freed = 0
    for part in folder.glob(".*.part") if folder.is_dir() else ():
        try:
            stats = [path.lstat() for path in (part, *part.rglob("*"))]
        except OSError:  # it is being worked on
            continue
        if max(stat.st_mtime for stat in stats) < time.time() - QUIET_S:
            shutil.rmtree(part, ignore_errors=True)
            freed += 0 if part.exists() else sum(stat.st_size for stat in stats)
    return freed


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
