"""A fold resumes with the batches with which it started."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.files import write_text
from comp.pipeline.halved import BATCHES, halved_recorded, record_halved, starts_halved
from comp.runs.folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path)
    for fold in range(2):
        run.fold(fold).mkdir()
    run.update_record(state="running")
    return run


def test_what_another_fold_finds_does_not_change_a_fold_that_trains(run: RunFolder) -> None:
    assert not starts_halved(run.fold(0), run)
    run.update_record(halved=True)
    assert not starts_halved(run.fold(0), run)
    assert starts_halved(run.fold(1), run)
    record_halved(run.fold(0), True)
    assert starts_halved(run.fold(0), run)


def test_a_damaged_file_counts_as_none(run: RunFolder) -> None:
    write_text(run.fold(0) / BATCHES, "[]")
    run.update_record(halved=True)
    assert starts_halved(run.fold(0), run)


def test_the_run_learns_it_also_if_a_fold_stops(run: RunFolder) -> None:
    with halved_recorded(run):
        starts_halved(run.fold(0), run)
    assert "halved" not in run.record()
    with pytest.raises(KeyboardInterrupt):
        _stopped_fold(run)
    assert run.record()["halved"] is True


def _stopped_fold(run: RunFolder) -> None:
    with halved_recorded(run):
        record_halved(run.fold(1), True)
        raise KeyboardInterrupt
