"""MLflow on a local file of SQLite, which is read back."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from tracked_run import start_for, tracked_run

from comp.runs.folder import RunFolder
from comp.trackers.environment import environment
from comp.trackers.tracker import Start

SESSIONS = """
import json, shutil, sys
from comp.trackers.host import serve
plan = json.load(sys.stdin)
for number, session in enumerate(plan["sessions"]):
    if number == len(plan["sessions"]) - 1:
        shutil.copytree(plan["old"], plan["kept"])
        shutil.move(plan["old"], plan["new"])
    serve([json.dumps(message) for message in session], lambda said: print(json.dumps(said)))
    print(json.dumps({"session": number}))
"""
"""The import of mlflow and its tables take seconds, so one process holds all sessions of a run.
Before the last, the workspace is copied as it is, and moved."""

Answers = list[Mapping[str, Any]]


@dataclass(frozen=True)
class Workspaces:
    """A run of two sessions in a workspace, a copy of it, and a third session after a move.

    `kept` is the copy, in which the absolute paths are those of `old`.
    """

    old: Path
    kept: Path
    folder: RunFolder
    said: list[Answers]


def serve_all(start: Start, plan: Mapping[str, Any]) -> list[Answers]:
    """What the tracker says in each session."""
    command = [sys.executable, "-c", SESSIONS]
    done = subprocess.run(
        command,
        input=json.dumps(plan),
        env=environment(start),
        capture_output=True,
        text=True,
        check=True,
    )
    said: list[Answers] = [[]]
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        if "session" in answer:
            said.append([])
        else:
            said[-1].append(answer)
    return said[:-1]


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> Workspaces:
    root = tmp_path_factory.mktemp("mlflow")
    old, kept, new = root / "old", root / "kept", root / "new"
    _, folder = tracked_run(old, "mlflow")
    moved = RunFolder(new / folder.path.relative_to(old))
    loss = {"kind": "metrics", "n": 1, "series": "fold-0", "mark": "l", "values": {"loss": 0.5}}
    end = {"kind": "end", "n": 4, "status": "finished"}
    first = [{**loss, "step": 5}, {"kind": "note", "n": 2, "text": "a note"}]
    second = [
        {**loss, "step": 5},
        {**loss, "step": 9},
        {"kind": "summary", "n": 1, "values": {"result/score": 0.75}},
        {"kind": "picture", "n": 2, "name": "example", "path": f"{folder.path}/example.png"},
        {"kind": "file", "n": 3, "name": "report", "path": f"{folder.path}/report.html"},
        end,
    ]
    third = [
        {"kind": "metrics", "n": 1, "series": "a", "mark": "a", "values": {"loss": 0.5}, "step": 5},
        {"kind": "file", "n": 2, "name": "other", "path": f"{moved.path}/report.html"},
        {**end, "n": 3},
    ]
    start, later = start_for(folder, "mlflow"), start_for(moved, "mlflow")
    sessions = [[asdict(start), *first], [asdict(start), *second], [asdict(later), *third]]
    plan = {"sessions": sessions, "old": str(old), "kept": str(kept), "new": str(new)}
    return Workspaces(old, kept, folder, serve_all(start, plan))


def test_a_run_goes_on_in_a_file_beside_the_runs(workspaces: Workspaces) -> None:
    old, kept, folder = workspaces.old, workspaces.kept, workspaces.folder
    said = [answer for answers in workspaces.said[:2] for answer in answers]
    assert said != []
    assert [answer for answer in said if "trouble" in answer or "failed" in answer] == []

    database = sqlite3.connect(kept / "mlflow.db")
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
    assert place == f"{(old / 'mlartifacts' / 'cats-dogs').as_uri()}/{run_id}/artifacts"
    files = kept / "mlartifacts" / "cats-dogs" / run_id / "artifacts"
    assert (files / "report.html").is_file()
    assert (files / "pictures" / "example.png").is_file()


def test_nothing_is_written_to_the_old_folder_of_a_workspace_that_was_moved(
    workspaces: Workspaces,
) -> None:
    assert "where" in workspaces.said[0][0]
    where, *done = workspaces.said[2]
    assert "without pictures and report, because the folder of runs was moved" in where["where"]
    assert done == [{"done": 1}, {"done": 2}, {"done": 3}]
    assert not workspaces.old.exists()
