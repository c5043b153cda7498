"""Lists of very many samples."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from comp.data import listed
from comp.data.listed import leave_out, uncollected


def test_the_search_for_cycles_goes_on_after_an_error() -> None:
    def fail() -> None:
        with uncollected():
            assert not gc.isenabled()
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert gc.isenabled()


def test_only_many_samples_are_left_out_of_the_search_for_cycles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frozen = gc.get_freeze_count()
    monkeypatch.setattr(listed, "MANY", 5)
    try:
        leave_out(4)
        assert gc.get_freeze_count() == frozen
        leave_out(5)
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()


def test_garbage_is_collected_before_and_samples_are_freed_after() -> None:
    """In a process of its own: what is frozen there harms no other test."""
    code = """
import weakref
from comp.data.listed import MANY, leave_out
class Node: pass
cycle, alone = Node(), Node()
cycle.own = cycle
seen = [weakref.ref(cycle), weakref.ref(alone)]
del cycle
leave_out(MANY)
assert seen[0]() is None and seen[1]() is not None
del alone
assert seen[1]() is None
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path.cwd())
