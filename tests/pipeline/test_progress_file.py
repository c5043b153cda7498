"""progress.json while a run trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.contract.metric import Metric
from comp.contract.metrics import rmse
from comp.pipeline import progress_file
from comp.pipeline.progress_file import ProgressWriter, progress_written
from comp.runs.folder import RunFolder
from comp.runs.live import read_progress
from comp.runs.progress import Silent, Step

METRIC = Metric(name="RMSE", score=rmse, direction="min")
STEP = Step(fold=0, epoch=1, epochs=2, step=10, steps=100, loss=0.5, lr=0.1, rate=9.0)


class Heard(Silent):
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def note(self, text: str) -> None:
        self.heard.append(text)

    def step(self, step: Step) -> None:
        self.heard.append(step)

    def freezing_report(self, fold: int, stages: object) -> None:
        self.heard.append((fold, stages))


def test_the_file_is_there_while_the_run_works_and_gone_at_its_end(tmp_path: Path) -> None:
    reporter = Heard()
    with progress_written(RunFolder(tmp_path), METRIC, reporter) as writer:
        writer.note("a message")
        writer.freezing_report(0, [])
        written = read_progress(tmp_path)
        assert written is not None
        assert (written.metric, written.notes) == ("RMSE", ("a message",))
        assert written.updated > 0
    assert reporter.heard == ["a message", (0, [])]
    assert list(tmp_path.iterdir()) == []


def test_after_a_failure_the_file_stays_until_the_run_resumes(tmp_path: Path) -> None:
    def fail() -> None:
        with progress_written(RunFolder(tmp_path), METRIC, Silent()) as writer:
            writer.note("a message")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert read_progress(tmp_path) is not None
    with progress_written(RunFolder(tmp_path), METRIC, Silent()):
        assert read_progress(tmp_path) is None


def test_it_is_written_every_two_seconds_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    now = [100.0]
    monkeypatch.setattr(progress_file.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress_file, "write_progress", lambda *args: written.append(args))
    writer = ProgressWriter(tmp_path, METRIC, Silent())
    for _ in range(50):
        now[0] += 0.1
        writer.step(STEP)
        writer.validated(0, 10, 0.5)
        writer.predicted(0, 1, 2)
    assert 2 <= len(written) <= 4


def test_a_run_goes_on_if_it_cannot_be_written(tmp_path: Path) -> None:
    reporter = Heard()
    writer = ProgressWriter(tmp_path / "none", METRIC, reporter)
    writer.note("a message")
    writer.step(STEP)
    assert reporter.heard == ["a message", STEP]
