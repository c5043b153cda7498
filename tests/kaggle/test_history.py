"""Runs and submissions, compared with the ones before them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comp.errors import SubmissionError
from comp.files import sha256
from comp.kaggle.history import best_unsent, history_rows, left_out_note
from comp.submission.ledger import Ledger
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING


def write_run(workspace: Workspace, run_id: str, optim: dict[str, object]) -> None:
    folder = workspace.runs("denoising") / run_id
    folder.mkdir(parents=True)
    record = {
        "run_id": run_id,
        "competition": "denoising",
        "started": run_id,
        "state": "finished",
        "folds": [0, 1],
        "config": {"folds": 2, "optim": optim},
    }
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "scores.json").write_text(json.dumps({"cv_score": 0.1, "metric": "RMSE"}))


def write_partial_run(
    workspace: Workspace, run_id: str, folds: list[int], score: float, of: int = 5
) -> None:
    write_run(workspace, run_id, {})
    folder = workspace.runs("denoising") / run_id
    record = json.loads((folder / "run.json").read_text())
    record |= {"folds": folds, "config": {"folds": of}}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "scores.json").write_text(json.dumps({"cv_score": score, "metric": "RMSE"}))
    path = workspace.submission("denoising", run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(run_id)


def test_runs_are_compared_with_runs_over_as_many_folds(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    ledger = Ledger(workspace.ledger)
    runs = [
        ("a", [0, 1, 2, 3, 4], 0.5, 5),
        ("b", [0, 1], 0.6, 2),
        ("c", [0, 1, 2], 0.4, 5),
        ("d", [1, 2], 0.2, 5),
        ("e", [0, 1], 0.3, 5),
        ("f", [0], 0.1, 5),
        ("g", [0], float("nan"), 5),
        ("h", [0, 1, 2, 3, 4], float("-inf"), 5),
    ]
    for run_id, folds, score, of in reversed(runs):
        write_partial_run(workspace, run_id, folds, score, of)

    order = []
    for tag in "123456":
        run_id = best_unsent(workspace, ledger, DENOISING)
        order.append(run_id)
        digest = sha256(workspace.submission("denoising", run_id))
        ledger.append("intent", tag, "denoising", run_id=run_id, sha256=digest)
        ledger.append("created", tag, "denoising", ref=1)

    assert order == ["a", "b", "c", "d", "e", "f"]
    with pytest.raises(SubmissionError, match="every one was submitted"):
        best_unsent(workspace, ledger, DENOISING)


def test_runs_with_another_metric_are_not_compared(tmp_path: Path) -> None:
    """The plugin's metric changed, and the smaller number of the old one was the better run."""
    workspace = Workspace.at(tmp_path)
    ledger = Ledger(workspace.ledger)
    for run_id, score in (("old", 0.14), ("new", 16000.0), ("unnamed", 17000.0)):
        write_partial_run(workspace, run_id, [0, 1], score, 2)
    for run_id, metric in (("old", "RMSLE"), ("unnamed", None)):
        path = workspace.runs("denoising") / run_id / "scores.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"metric": metric}))

    assert best_unsent(workspace, ledger, DENOISING) == "new"
    words = "1 finished run with another metric than RMSE is left out"
    assert left_out_note(workspace, DENOISING) == words

    for run_id in ("new", "unnamed"):
        (workspace.runs("denoising") / run_id / "scores.json").unlink()
    with pytest.raises(SubmissionError, match=rf"is left to submit \({words}\): start another"):
        best_unsent(workspace, ledger, DENOISING)


def test_a_renamed_key_is_not_a_change(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    write_run(workspace, "20260101-000000-aaaaaa", {"lr": 0.1, "wait": 2})
    write_run(workspace, "20260102-000000-bbbbbb", {"lr": 0.1, "plateau_patience": 2})
    write_run(workspace, "20260103-000000-cccccc", {"lr": 0.2, "plateau_patience": 3})

    found = history_rows(workspace, Ledger(workspace.ledger), None)

    assert [line.changes for line in found] == [
        {},
        {},
        {"optim.lr": 0.2, "optim.plateau_patience": 3},
    ]
