"""A run whose process is gone resumes when no process trains its folds any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from comp.errors import RunError
from comp.pipeline import orphans
from comp.pipeline.fold_task import FOLD_LOCK, locked_folds
from comp.pipeline.orphans import wait_for_orphans
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    for part in ("fold-0", "fold-1/seed-1", "full"):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / FOLD_LOCK).touch()
    return RunFolder(tmp_path)


def test_locked_folds_are_named(run: RunFolder) -> None:
    assert locked_folds(run) == []
    with FileLock(run.path / "full" / FOLD_LOCK), FileLock(run.path / "fold-1/seed-1" / FOLD_LOCK):
        assert locked_folds(run) == ["fold-1/seed-1", "full"]


def test_a_run_waits_for_its_folds(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    reporter = Silent()
    lock = FileLock(run.fold(0) / FOLD_LOCK)

    def note(text: str) -> None:
        """The process of the fold ends once it is waited for."""
        notes.append(text)
        lock.release()

    monkeypatch.setattr(reporter, "note", note)
    monkeypatch.setattr(orphans, "POLL_S", 0.02)
    monkeypatch.setattr(orphans, "NOTE_AFTER_S", 0.0)
    lock.acquire()
    wait_for_orphans(run, reporter)
    assert not lock.is_locked
    assert notes == ["waiting for fold-0, which another process still saves"]


def test_it_does_not_wait_for_ever(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "ORPHAN_GRACE_S", -4.9)
    monkeypatch.setattr(orphans, "POLL_S", 0.02)
    with FileLock(run.fold(0) / FOLD_LOCK), pytest.raises(RunError, match="still trains fold-0"):
        wait_for_orphans(run, Silent())
