"""A bundle is there as a whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from comp.bundle.folder import check_target, new_bundle
from comp.bundle.manifest import write_manifest
from comp.errors import RunError


def make(target: Path, text: str, stopped: bool = False) -> None:
    """A bundle of one file; `stopped` by Ctrl-C."""
    with new_bundle(target) as folder:
        (folder / "a.txt").write_text(text)
        if stopped:
            raise KeyboardInterrupt
        write_manifest(folder, "run")


def test_a_bundle_is_replaced_with_force_only(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    check_target(target, force=False)
    make(target, "old")
    with pytest.raises(RunError, match="--force"):
        check_target(target, force=False)
    check_target(target, force=True)
    make(target, "new")
    assert (target / "a.txt").read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_another_folder_or_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    check_target(tmp_path / "data", force=False)
    (tmp_path / "data" / "a.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("data", "file"):
        with pytest.raises(RunError, match="not a bundle"):
            check_target(tmp_path / name, force=True)


def test_a_failure_leaves_the_old_bundle(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    make(target, "old")
    with pytest.raises(KeyboardInterrupt):
        make(target, "half", stopped=True)
    assert (target / "a.txt").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_killed_processes_left_is_cleaned_up(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    dead = tmp_path / ".bundle.999999999-0123abcd.part"
    alive = tmp_path / f".bundle.{os.getpid()}-0123abcd.part"
    for folder in (dead, alive):
        folder.mkdir()
    make(target, "old")
    target.rename(tmp_path / ".bundle.replaced")  # killed between two renames
    with pytest.raises(RunError, match="--force"):
        check_target(target, force=False)
    assert sorted(tmp_path.iterdir()) == sorted([alive, target])
    make(tmp_path / "other", "older")
    (tmp_path / "other").rename(tmp_path / ".bundle.replaced")  # killed before the last removal
    check_target(target, force=True)
    assert not (tmp_path / ".bundle.replaced").exists()
    assert (target / "a.txt").read_text() == "old"
