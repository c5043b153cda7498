"""`comp plan` as a user starts it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from comp.cli import main
from comp.pipeline import alternatives, pace

TINY = (
    *("--device", "cpu", "--set", "folds=2", "--set", "loader.batch_size=2"),
    *("--set", "options.crop=32", "--set", "loader.repeats=1", "--set", "validations=1"),
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measurements of a few steps."""
    monkeypatch.setattr(pace, "TRIAL_S", 0.01)
    monkeypatch.setattr(pace, "CALLS_S", 0.0)
    monkeypatch.setattr(alternatives, "TRIAL_S", 0.01)


def plan(monkeypatch: pytest.MonkeyPatch, here: Path, *args: str) -> int:
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "argv", ["comp", "plan", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_a_plan_is_shown_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pages: Path,
    tmp_path: Path,
) -> None:
    args = ("denoising", "--data", str(pages), "--set", "epochs=3", *TINY)
    assert plan(monkeypatch, tmp_path, *args) == 0
    shown = capsys.readouterr().out
    assert "plan of denoising: 8 training and 2 test samples" in shown
    for words in ("2 of 2 folds", "3.0", "in all", "training", "prediction", "memory", "disk"):
        assert words in shown
    assert list(tmp_path.iterdir()) == []


def test_json_is_one_line_whose_parts_are_the_whole(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pages: Path,
    tmp_path: Path,
) -> None:
    args = ("denoising", "--data", str(pages), "--fold", "1", "--max-steps", "7", "--json", *TINY)
    assert plan(monkeypatch, tmp_path, *args) == 0
    captured = capsys.readouterr()
    shown = json.loads(captured.out)
    assert captured.out.count("\n") == 1
    assert [(fold["fold"], fold["steps"]) for fold in shown["folds"]] == [(1, 7)]
    assert sum(shown["parts"].values()) == pytest.approx(shown["seconds"])
    assert "measuring" not in shown["parts"]  # a run of fixed steps does not measure
    assert min(shown["parts"]["training"], shown["parts"]["prediction"]) > 0
    assert min(shown["memory"]["memory"], shown["disk_bytes"], shown["images_per_second"]) > 0
    assert shown["alternatives"] == []  # its network is no timm backbone, its crops have their key


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--set", "model=gbdt"), "comp plan measures the steps of networks"),
        (("--fold", "7"), "no fold 7: with folds = 2"),
    ],
)
def test_mistakes_are_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pages: Path,
    tmp_path: Path,
    args: tuple[str, ...],
    message: str,
) -> None:
    assert plan(monkeypatch, tmp_path, "denoising", "--data", str(pages), *TINY, *args) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.splitlines()[-1].startswith("comp: ")
    assert list(tmp_path.iterdir()) == []
