"""What a node removes when it fetches more than its limit."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from comp.engines import node_eviction
from comp.engines.node_eviction import LEFT_S, RECENTLY_USED_S, make_room, mark_used
from comp.engines.node_files import fetch, fetched, pieces, read_tree, write_pieces


def kept(folder: Path, age_s: float, size: int = 100) -> Path:
    """A folder that was used some time ago."""
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(bytes(size))
    used = time.time() - age_s
    os.utime(folder, (used, used))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with a limit of 250 bytes."""
    monkeypatch.setattr(node_eviction, "MAX_BYTES", 250)
    monkeypatch.setenv("COMP_NODE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.is_dir())


def test_the_least_recently_used_goes_first(cache: Path) -> None:
    for name, hours in (("a", 3), ("b", 4), ("c", 2)):
        kept(cache / name, hours * RECENTLY_USED_S)
    make_room(cache, 0)
    assert names(cache) == ["a", "c"]
    mark_used(cache / "a")
    make_room(cache, 100)
    assert names(cache) == ["a"]


def test_what_a_task_uses_stays(cache: Path) -> None:
    kept(cache / "used", RECENTLY_USED_S / 2)
    make_room(cache, 1000)
    assert names(cache) == ["used"]


def test_what_killed_tasks_left_goes(cache: Path) -> None:
    kept(cache / "tasks" / "gone", 2 * RECENTLY_USED_S)
    kept(cache / "tasks" / "runs", 0)
    kept(cache / ".a.part", 2 * LEFT_S)
    kept(cache / ".b.part", 60)
    make_room(cache, 0)
    assert names(cache) == [".b.part", "tasks"]
    assert names(cache / "tasks") == ["runs"]


def test_fetching_makes_room_and_reading_marks(cache: Path, tmp_path: Path) -> None:
    old = kept(cache / "old", 2 * RECENTLY_USED_S)
    data = kept(tmp_path / "data", 0, 200)
    tree = read_tree(data)
    copy = fetch(tree, write_pieces(pieces(tree)))
    assert not old.exists()
    os.utime(copy.parent, (1, 1))
    assert fetched(tree) == copy
    assert copy.parent.stat().st_mtime > time.time() - 60
