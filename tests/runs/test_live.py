"""progress.json."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from comp.runs.live import FoldProgress, RunProgress, read_progress, write_progress
from comp.runs.progress import Step

STEP = Step(fold=1, epoch=1, epochs=2, step=4, steps=8, loss=0.1, lr=0.1, rate=9.0, score=0.5)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    fold = FoldProgress(fold=1, state="trains", score=0.5, scores=(0.5,), steps=(STEP,), left_s=1.0)
    progress = RunProgress(metric="F1", direction="max", folds=(fold,), notes=("a",), updated=1.5)
    write_progress(tmp_path, progress)
    assert read_progress(tmp_path) == progress
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


def test_numbers_that_are_not_finite_survive(tmp_path: Path) -> None:
    write_progress(tmp_path, RunProgress(folds=(FoldProgress(fold=0, losses=(math.nan, 1.0)),)))
    read = read_progress(tmp_path)
    assert read is not None
    assert math.isnan(read.folds[0].losses[0])


@pytest.mark.parametrize("text", ["", "[]", "{", '{"folds": [{"fold": "x"}]}', '{"left_s": []}'])
def test_a_damaged_file_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "progress.json").write_text(text)
    assert read_progress(tmp_path) is None


def test_a_missing_folder_counts_as_none(tmp_path: Path) -> None:
    assert read_progress(tmp_path / "none") is None
    with pytest.raises(OSError, match="none"):
        write_progress(tmp_path / "none", RunProgress())


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_progress(tmp_path, RunProgress(metric="old"))

    def full(self: Path, *_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_progress(tmp_path, RunProgress(metric="new"))
    monkeypatch.undo()
    read = read_progress(tmp_path)
    assert read is not None
    assert read.metric == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]
