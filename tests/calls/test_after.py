"""What follows a finished run."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import two_classes

from comp.calls import after
from comp.calls.after import report_on
from comp.errors import DiskError
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
        (Stopped(2), "stopped before the report was complete"),
    ],
)
def test_a_report_that_fails_leaves_the_run_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, words: str
) -> None:
    facts, noted = finished(tmp_path, monkeypatch)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(WRITE, fail)
    assert report_on(facts.folder.path, noted) is None
    (note,) = noted.notes
    assert words in note
    assert "'comp report r'" in note


@pytest.mark.parametrize(("spent", "explained"), [(30.0, 12), (95.0, 0)])
def test_samples_are_explained_only_if_the_budget_has_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spent: float, explained: int
) -> None:
    facts, _ = finished(tmp_path, monkeypatch, budget="100s")
    assert after._within(facts, spent).explain == explained
