"""Runs that cannot be told from the best: compared once, kept, and marked in the list."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from oof_runs import OofRuns

from comp.cli import main
from comp.contract.metrics import AUC
from comp.contract.sample import Sample
from comp.pipeline import mark_runs as module
from comp.runs.catalog import list_runs
from comp.runs.verdicts import read_marks

IDS = [f"s{row}" for row in range(60)]
FOLDS = {name: row % 2 for row, name in enumerate(IDS)}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OofRuns:
    """The best run, one like it, a bad one, and an unfinished one."""
    samples = [Sample(id=name, target=float(row % 2)) for row, name in enumerate(IDS)]
    monkeypatch.setattr(module, "DRAWS", 100)
    made = OofRuns(tmp_path, monkeypatch, samples, classes=("no", "yes"), metric=AUC)
    rng = np.random.default_rng(0)
    base = np.array([row % 2 for row in range(60)]) + rng.normal(size=60)
    for name, noise in (("best", 0.0), ("like", 0.05), ("poor", 3.0), ("stopped", 0.0)):
        chances = 1 / (1 + np.exp(-base - noise * rng.normal(size=60)))
        predictions = dict(zip(IDS, chances, strict=True))
        made.write(name, predictions, FOLDS, finished=name != "stopped", fit=False)
    return made


def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: str) -> str:
    monkeypatch.setattr(sys, "argv", ["comp", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    assert not stop.value.code, err
    return out


def test_runs_like_the_best_are_marked(
    runs: OofRuns, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--runs", str(runs.workspace.root))
    monkeypatch.setenv("COLUMNS", "150")
    assert "best" not in call(monkeypatch, capsys, "runs", *place).replace(" best ", "", 1)
    listed = json.loads(call(monkeypatch, capsys, "runs", "--compare", *place, "--json"))
    marks = {run["run_id"]: run["mark"] for run in listed["runs"]}
    top = next(name for name, mark in marks.items() if mark == "best")
    other = {"best": "like", "like": "best"}[top]
    assert marks == {top: "best", other: "like the best", "poor": "", "stopped": ""}
    assert "finished, like the best" in call(monkeypatch, capsys, "runs", *place)


def test_a_verdict_is_kept_until_a_score_changes(
    runs: OofRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list_runs(runs.workspace, ())
    assert module.mark_runs(found, runs.workspace, lambda *_: None) == []
    marks = read_marks(found)
    assert len(marks) == 2
    monkeypatch.setattr(module, "difference_of", None)  # nothing is compared again
    assert module.mark_runs(found, runs.workspace, lambda *_: None) == []
    path = runs.workspace.runs("toy") / "poor" / "scores.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"cv_score": 0.9999}))
    assert read_marks(list_runs(runs.workspace, ())) == {}


def test_a_run_that_cannot_be_compared_is_named(runs: OofRuns) -> None:
    runs.change_target("data", 0, target=1.0)
    found = list_runs(runs.workspace, ())
    notes = module.mark_runs(found, runs.workspace, lambda *_: None)
    assert len(notes) == 2
    assert "the data in" in notes[0]
    assert read_marks(found) == {}


def test_runs_over_other_folds_are_not_compared(
    runs: OofRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers of the folds and samples that only train do not matter."""
    noise = np.random.default_rng(1).random(60)
    chances = {name: 0.9 * (row % 2) + 0.1 * noise[row] for row, name in enumerate(IDS)}
    thirds = {name: row // 20 for row, name in enumerate(IDS)}
    runs.write("other", chances, thirds, fit=False)
    runs.write("lone", chances, {name: row // 30 for row, name in enumerate(IDS)}, fit=False)
    turned = {name: 2 - fold for name, fold in thirds.items()}
    runs.write("turned", {name: 0.9 * c for name, c in chances.items()}, turned, fit=False)
    found = list_runs(runs.workspace, ())
    (note,) = module.mark_runs(found, runs.workspace, lambda *_: None)
    assert note.startswith("toy has runs over 3 splits into folds: each run is compared with")
    marks = {path.name: mark for path, mark in read_marks(found).items()}
    assert marks.pop("other") in ("best of its folds", "like the best of its folds")
    assert marks.pop("turned") in ("best of its folds", "like the best of its folds")
    assert marks.keys() == {"best", "like"}
