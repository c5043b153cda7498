"""Runs and submissions, compared with the ones before them."""

from __future__ import annotations

import json
from pathlib import Path

from comp.kaggle.history import history_rows
from comp.submission.ledger import Ledger
from comp.workspace import Workspace


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
