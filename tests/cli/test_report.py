"""`comp report`: its arguments, its file, and its JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from reported import two_classes

from comp.cli import main


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """The exit code of `comp report`."""
    monkeypatch.setattr(sys, "argv", ["comp", "report", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code


def test_one_run_two_runs_and_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    runs.add("a1", predictions, folds, started="2026-01-01T10:00:00+00:00")
    newest = runs.add("b1", predictions, folds, started="2026-01-02T10:00:00+00:00")
    monkeypatch.chdir(tmp_path)
    for words, text, ids in (
        ([], "b1", ["b1"]),
        (["a"], "a1", ["a1"]),
        (["a", "b", "--out", "pair.html"], "a1", ["a1", "b1"]),
        (["--all", "--lang", "ko"], "b1", ["a1", "b1"]),
    ):
        assert not call(monkeypatch, *words, "--json")
        found = json.loads(capsys.readouterr().out)
        page = Path(found["report"]).read_text(encoding="utf-8")
        assert found["runs"] == ids
        assert text in page
        assert len(page.encode()) == found["bytes"]
    assert (newest.folder.path / "report.html").is_file()
    assert (tmp_path / "pair.html").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a", "--all"], "--all shows all runs"),
        (["a", "b", "c"], "3 runs are given"),
        (["a", "--out", "x.pdf"], "not an HTML file"),
        ([], "no runs under"),
        (["zzz"], "no run 'zzz'"),
        (["a", "--lang", "xx"], "invalid value for '--lang': 'xx' is not one of 'en', 'ko'"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *words) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_the_page_opens_in_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    path = runs.add("a1", predictions, folds).folder.path / "report.html"
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", lambda uri: bool(opened.append(uri)) or True)
    assert not call(monkeypatch, "a", "--open", "--runs", str(tmp_path))
    assert opened == [path.as_uri()]
