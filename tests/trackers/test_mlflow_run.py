"""MLflow on a local file of SQLite, which is read back."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tracked_run import start_for, tracked_run

from comp.runs.folder import RunFolder
from comp.trackers.environment import environment
from comp.trackers.tracker import Start

SESSIONS = """
import json, sys
from comp.trackers.host import serve
for session in json.load(sys.stdin):
    serve([json.dumps(message) for message in session], lambda said: print(json.dumps(said)))
"""
"""The import of mlflow takes seconds, so one process holds both sessions of a run."""


def sessions(start: Start, *messages: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    given = json.dumps([[asdict(start), *session] for session in messages])
    command = [sys.executable, "-c", SESSIONS]
    done = subprocess.run(
        command, input=given, env=environment(start), capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_run_goes_on_in_a_file_beside_the_runs(tmp_path: Path) -> None:
    _, folder = tracked_run(tmp_path, "mlflow")
    start = start_for(folder, "mlflow")
    loss = {"kind": "metrics", "n": 1, "series": "fold-0", "mark": "l", "values": {"loss": 0.5}}
    files = [
        {"kind": "picture", "n": 2, "name": "example", "path": f"{folder.path}/example.png"},
        {"kind": "file", "n": 3, "name": "report", "path": f"{folder.path}/report.html"},
    ]
    said = sessions(
        start,
        [{**loss, "step": 5}, {"kind": "note", "n": 2, "text": "a note"}],
        [
            {**loss, "step": 5},
            {**loss, "step": 9},
            {"kind": "summary", "n": 1, "values": {"result/score": 0.75}},
            *files,
            {"kind": "end", "n": 4, "status": "finished"},
        ],
    )
    assert [answer for answer in said if "trouble" in answer or "failed" in answer] == []

    database = sqlite3.connect(tmp_path / "mlflow.db")
    runs = database.execute("select run_uuid, name, status, artifact_uri from runs").fetchall()
    ((run_id, name, status, place),) = runs
    assert (name, status) == (folder.run_id, "FINISHED")
    metrics = database.execute("select key, step, value from metrics order by key, step").fetchall()
    assert metrics == [("loss/fold-0", 5, 0.5), ("loss/fold-0", 9, 0.5), ("result/score", 0, 0.75)]
    params = dict(database.execute("select key, value from params").fetchall())
    assert params == {"epochs": "3", "backbone": "none", "optim.lr": "0.1"}
    tags = dict(database.execute("select key, value from tags").fetchall())
    assert tags["first"] == "true"
    assert tags["mlflow.note.content"] == "- a note"
    assert place == f"{(tmp_path / 'mlartifacts' / 'cats-dogs').as_uri()}/{run_id}/artifacts"
    kept = tmp_path / "mlartifacts" / "cats-dogs" / run_id / "artifacts"
    assert (kept / "report.html").is_file()
    assert (kept / "pictures" / "example.png").is_file()


def test_nothing_is_written_to_the_old_folder_of_a_workspace_that_was_moved(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    _, folder = tracked_run(old, "mlflow")
    (no_trouble,) = sessions(start_for(folder, "mlflow"), [])
    assert "where" in no_trouble
    old.rename(new)
    moved = RunFolder(new / folder.path.relative_to(old))
    files = [
        {"kind": "metrics", "n": 1, "series": "a", "mark": "a", "values": {"loss": 0.5}, "step": 5},
        {"kind": "file", "n": 2, "name": "report", "path": f"{moved.path}/report.html"},
    ]
    end = {"kind": "end", "n": 3, "status": "finished"}
    where, *done = sessions(start_for(moved, "mlflow"), [*files, end])
    assert "without pictures and report, because the folder of runs was moved" in where["where"]
    assert done == [{"done": 1}, {"done": 2}, {"done": 3}]
    assert not old.exists()
