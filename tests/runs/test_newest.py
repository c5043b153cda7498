"""The newest run that can resume: which runs count, by their state and their folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from comp.errors import RunError
from comp.files import write_json
from comp.runs.folder import RunFolder
from comp.runs.newest import newest_partial, newest_unfinished
from comp.workspace import Workspace

RECORD: dict[str, Any] = {
    "competition": "toy",
    "config": {"folds": 3},
    "folds": [0, 1, 2],
    "data": "/some/where",
    "synthetic": False,
    "data_fingerprint": "",
    "plan": {},
    "state": "finished",
}


def made(place: Path, name: str, **changes: Any) -> RunFolder:
    path = place / "runs" / "toy" / name
    path.mkdir(parents=True)
    write_json(path / "run.json", RECORD | changes)
    return RunFolder(path)


def test_the_newest_unfinished_and_the_newest_partial_run_differ(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    first = made(tmp_path, "1", folds=[1])
    stopped = made(tmp_path, "2", state="interrupted")
    made(tmp_path, "3")
    made(tmp_path, "4", folds=[0], config=3)
    made(tmp_path, "5", folds=[0], blend={"runs": [{"run_id": "1"}]})
    assert newest_unfinished(workspace) == stopped
    assert newest_partial(workspace) == first
    both = made(tmp_path, "6", folds=[0, 2], state="interrupted")
    assert newest_unfinished(workspace) == newest_partial(workspace) == both
    with FileLock(both.lock):
        assert newest_unfinished(workspace) == stopped
        assert newest_partial(workspace) == first


def test_a_full_model_may_be_left_out_too(tmp_path: Path) -> None:
    folder = made(tmp_path, "1", config={"folds": 3, "full": True})
    assert newest_partial(Workspace.at(tmp_path)) == folder
    (folder.path / "full").mkdir()
    write_json(folder.path / "full" / "meta.json", {})
    with pytest.raises(RunError, match="has left out folds: leave out --folds"):
        newest_partial(Workspace.at(tmp_path))


def test_a_run_of_another_competition_does_not_count(tmp_path: Path) -> None:
    made(tmp_path, "1", state="failed")
    with pytest.raises(RunError, match=r"no unfinished run of leaves in .*: nothing to resume"):
        newest_unfinished(Workspace.at(tmp_path), "leaves")
