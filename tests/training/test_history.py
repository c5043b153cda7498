"""history.jsonl: append lines, and cut it to a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.training.history import append_history, truncate_history
from comp.training.state import TrainingCheckpoint


def checkpoint(step: int, validation_pending: bool) -> TrainingCheckpoint:
    return TrainingCheckpoint(Path("resume.pt"), step, 9, validation_pending, {}, {})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "history.jsonl"
    for step in (2, 4, 6):
        append_history(file, {"step": step})
    return file


def test_lines_are_appended(path: Path) -> None:
    assert path.read_text() == '{"step": 2}\n{"step": 4}\n{"step": 6}\n'


@pytest.mark.parametrize(("pending", "last"), [(False, 4), (True, 2)])
def test_lines_after_the_checkpoint_are_removed(path: Path, pending: bool, last: int) -> None:
    truncate_history(path, checkpoint(4, pending))
    assert path.read_text().splitlines()[-1] == f'{{"step": {last}}}'


def test_incomplete_lines_are_removed(path: Path) -> None:
    path.write_bytes(b'\xff\n[1]\n{"step": 1}\n{"step": 2}')
    truncate_history(path, checkpoint(4, False))
    assert path.read_text() == '{"step": 1}\n'


def test_without_a_checkpoint_the_file_is_deleted(path: Path) -> None:
    truncate_history(path, None)
    assert not path.exists()
    truncate_history(path, None)
