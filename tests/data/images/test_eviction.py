"""Image caches side by side, and which go when room is short."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from comp.data.images import eviction
from comp.files import write_json

HOUR = 3600.0


def cache(folder: Path, name: str, size: int, hours: float) -> Path:
    """A cache of so many bytes that was last used so many hours ago."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "pixels.bin").write_bytes(bytes(size))
    facts = {"source": "/d", "images": 1, "shape": {}, "bytes": size, "made": "2026-01-01T00:00"}
    write_json(place / eviction.FACTS, facts)
    used = time.time() - hours * HOUR
    (place / eviction.USED).touch()
    os.utime(place / eviction.USED, (used, used))
    return place


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_caches_are_listed_from_the_least_recently_used(tmp_path: Path):
    for name, hours in (("a", 1), ("b", 9), ("c", 4)):
        cache(tmp_path, name, 10, hours)

    assert [one.path.name for one in eviction.list_caches(tmp_path)] == ["b", "c", "a"]


def test_what_is_no_whole_cache_is_not_listed(tmp_path: Path):
    cache(tmp_path, "whole", 10, 1)
    cache(tmp_path, ".half.part", 10, 1)
    (cache(tmp_path, "no facts", 10, 1) / eviction.FACTS).unlink()
    (cache(tmp_path, "bad facts", 10, 1) / eviction.FACTS).write_text("{")
    (cache(tmp_path, "other facts", 10, 1) / eviction.FACTS).write_text("{}")
    (tmp_path / "file").write_text("")

    assert [one.path.name for one in eviction.list_caches(tmp_path)] == ["whole"]
    assert eviction.list_caches(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("needed", "left"),
    [
        (40, {"old", "older", "new"}),
        (41, {"old", "new"}),
        (70, {"old", "new"}),
        (71, {"new"}),
        (90, {"new"}),
    ],
)
def test_the_oldest_go_first_and_no_more_than_must(tmp_path: Path, needed: int, left: set[str]):
    for name, size, hours in (("old", 20, 2), ("older", 30, 3), ("new", 10, 0.5)):
        cache(tmp_path, name, size, hours)

    assert eviction.make_room(tmp_path, needed, 100)
    assert names(tmp_path) == left


def test_nothing_goes_where_that_would_not_do(tmp_path: Path):
    cache(tmp_path, "old", 20, 2)
    cache(tmp_path, "new", 10, 0.5)

    assert not eviction.make_room(tmp_path, 91, 100)
    assert names(tmp_path) == {"old", "new"}


def test_a_first_cache_fits_or_not(tmp_path: Path):
    assert eviction.make_room(tmp_path / "none", 100, 100)
    assert not eviction.make_room(tmp_path / "none", 101, 100)


def test_limit_is_half_of_what_is_free_or_held_and_never_above_20_gb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cache(tmp_path, "a", 1000, 1)
    free = [5000]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free[0]))

    assert eviction.cache_limit_bytes(tmp_path) == 3000
    assert eviction.cache_limit_bytes(tmp_path / "not" / "yet") == 2500
    free[0] = 10**12
    assert eviction.cache_limit_bytes(tmp_path) == 20 * 10**9


def test_touch_makes_a_cache_the_most_recently_used(tmp_path: Path):
    cache(tmp_path, "a", 10, 5)
    cache(tmp_path, "b", 10, 3)

    eviction.mark_used(tmp_path / "a")
    eviction.mark_used(tmp_path / "none")

    assert [one.path.name for one in eviction.list_caches(tmp_path)] == ["b", "a"]
    assert not (tmp_path / "none").exists()


def test_clear_removes_everything_and_counts_it(tmp_path: Path):
    cache(tmp_path, "a", 10_000, 0)
    cache(tmp_path, ".b.part", 20_000, 9)

    freed = eviction.remove_caches(tmp_path)

    assert 30_000 <= freed < 31_000
    assert names(tmp_path) == set()
    assert eviction.remove_caches(tmp_path) == eviction.remove_caches(tmp_path / "none") == 0
