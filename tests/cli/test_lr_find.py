"""`comp lr-find` as a user starts it."""

from __future__ import annotations

import csv
import json
import signal
import sys
from pathlib import Path

import pytest

from comp.cli import main

TINY = (
    *("--steps", "20", "--device", "cpu", "--set", "folds=2"),
    *("--set", "loader.batch_size=2", "--set", "options.crop=32"),
)


def lr_find(monkeypatch: pytest.MonkeyPatch, here: Path, *args: str) -> int:
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "argv", ["comp", "lr-find", "denoising", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_a_table_a_suggestion_a_plot_and_points(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pages: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    args = ("--data", str(pages), "--out", str(out), *TINY)
    assert lr_find(monkeypatch, tmp_path, *args) == 0
    shown = capsys.readouterr().out
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.suffix for path in files) == [".csv", ".png"]
    assert {path.parent for path in files} == {out / "lr-find"}
    assert {path.stem for path in files} == {files[0].stem}
    assert files[0].stem.startswith("denoising-20")
    assert all(str(path) in shown for path in files)
    assert "learning rates of denoising, fold 0, muon, on cpu" in shown
    assert "lowest" in shown
    assert "optim.lr=" in shown or "never fell" in shown


def test_json_is_one_line_with_the_suggestions(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pages: Path,
    tmp_path: Path,
) -> None:
    args = ("--data", str(pages), "--json", "--fold", "1", *TINY)
    assert lr_find(monkeypatch, tmp_path, *args) == 0
    captured = capsys.readouterr()
    shown = json.loads(captured.out)
    assert captured.out.count("\n") == 1
    assert "learning rates of denoising" in captured.err
    assert (shown["competition"], shown["fold"], shown["synthetic"]) == ("denoising", 1, False)
    assert shown["steps"] <= shown["planned"] == 20
    assert shown["suggestion"] is None or 1e-7 <= shown["suggestion"] <= 1
    with Path(shown["points"]).open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == shown["steps"]
    assert Path(shown["plot"]).is_file()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--steps", "5"), "--steps"),
        (("--set", "optim.lrr=1"), "unknown key 'optim.lrr'"),
        (("--fold", "7"), "no fold 7: with folds = 2"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_file(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pages: Path,
    tmp_path: Path,
    args: tuple[str, ...],
    message: str,
) -> None:
    assert lr_find(monkeypatch, tmp_path, "--data", str(pages), *TINY, *args) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_the_command_to_repeat(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pages: Path,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    def find(*_: object, **__: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr("comp.pipeline.lr_find.find_learning_rate", find)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert lr_find(monkeypatch, tmp_path, "--data", str(pages), *TINY) == 128 + number
    finally:
        signal.signal(signal.SIGTERM, before)
    start = (
        f"stopped by {number.name}: nothing was saved; start again with 'comp lr-find denoising "
    )
    assert start in capsys.readouterr().err
