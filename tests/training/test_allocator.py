"""Tests of what the C library does with freed memory."""

from __future__ import annotations

import ctypes
import resource
import subprocess
import sys

import pytest

from comp.training import allocator

CODE = """
import resource, sys
if sys.argv[1] == "keep":
    from comp.training.allocator import keep_freed_memory
    assert keep_freed_memory()
def use(count):
    for _ in range(count):
        blocks = [bytearray(b'x') * (24 << 20) for _ in range(4)]
        del blocks
use(2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
use(10)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES = 4 * (24 << 20) // resource.getpagesize()


def page_faults(mode: str) -> int:
    command = [sys.executable, "-c", CODE, mode]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="no glibc")
def test_freed_memory_is_used_again_without_new_pages() -> None:
    assert page_faults("default") > 5 * PAGES
    assert page_faults("keep") < PAGES


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _name: object())
    assert not allocator.keep_freed_memory()


def test_another_system_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _name: pytest.fail("called"))
    assert not allocator.keep_freed_memory()
