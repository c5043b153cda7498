"""What follows a finished run."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from reported import two_classes

from comp.calls import after
from comp.calls.after import report_on
from comp.calls.run import run_and_show
from comp.cli.stoppable import stoppable
from comp.errors import DiskError, StoppedError
from comp.review.facts import RunFacts
from comp.signals import Stopped

WRITE = "comp.review.write.write_report_of"


class Noted:
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **keys: object
) -> tuple[RunFacts, Noted]:
    """A finished run, and what notes its notes."""
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    return runs.add("r", predictions, folds, keys=keys), Noted()


def test_the_report_is_written_and_its_path_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, noted = finished(tmp_path, monkeypatch)
    path = report_on(facts.folder.path, noted)
    assert path == facts.folder.path / "report.html"
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert f"report      {path}" in noted.notes


def test_nothing_is_written_if_the_configuration_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, noted = finished(tmp_path, monkeypatch, report={"write": False, "notes": False})
    assert report_on(facts.folder.path, noted) is None
    assert noted.notes == []
    assert not (facts.folder.path / "report.html").exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DiskError("the disk is full"), "the disk is full"),
        (ZeroDivisionError("ours"), "ZeroDivisionError('ours')"),
    ],
)
def test_a_report_that_fails_leaves_the_run_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, words: str
) -> None:
    facts, noted = finished(tmp_path, monkeypatch)

    def fail(*_: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(WRITE, fail)
    assert report_on(facts.folder.path, noted) is None
    (note,) = noted.notes
    assert words in note
    assert f"'comp report r --runs {tmp_path}'" in note


def test_a_signal_stops_what_follows_and_says_that_the_run_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, noted = finished(tmp_path, monkeypatch)

    def stop(*_: object, **_options: object) -> None:
        raise Stopped(signal.SIGINT)

    monkeypatch.setattr(WRITE, stop)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoppedError) as caught, stoppable():
        report_on(facts.folder.path, noted)
    words = "run r is finished, but not its report: 'comp report r' writes it"
    assert str(caught.value) == f"stopped by SIGINT: {words}"
    assert caught.value.exit_code == 130
    assert noted.notes == []


def test_a_signal_stops_a_loop_of_runs_in_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, _ = finished(tmp_path, monkeypatch)

    def stop(*_: object, **_options: object) -> None:
        raise Stopped(signal.SIGINT)

    monkeypatch.setattr(WRITE, stop)
    summary: Any = SimpleNamespace(run_dir=facts.folder.path, seconds=1.0)
    with pytest.raises(Stopped, match="run r is finished, but not its report: 'comp report r"):
        run_and_show(facts.competition, lambda _: summary, quiet=True)


@pytest.mark.parametrize(("spent", "seconds"), [(30.0, 35.0), (84.0, 8.0), (95.0, 0.0)])
def test_samples_are_explained_only_while_the_budget_has_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spent: float, seconds: float
) -> None:
    facts, _ = finished(tmp_path, monkeypatch, budget="100s")
    monkeypatch.setattr(after, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    assert after._within(facts, spent).explain_until == pytest.approx(1000.0 + seconds)
