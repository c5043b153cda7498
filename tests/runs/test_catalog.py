"""The list of runs, their states, and their removal."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from comp.errors import RunError
from comp.runs import removal
from comp.runs.catalog import RunInfo, list_runs, select_runs
from comp.runs.removal import remove, runs_to_prune
from comp.submission.ledger import Ledger, submitted_runs
from comp.workspace import Workspace

Plant = Callable[..., Path]
WORK = """
import sys, time
from pathlib import Path
from comp.runs.folder import RunFolder
with RunFolder(Path(sys.argv[1])).running():
    print("at work", flush=True)
    time.sleep(60)
"""


def runs_in(workspace: Workspace, competition: str | None = None) -> list[RunInfo]:
    """The runs of a workspace, with what its ledgers say."""
    return list_runs(workspace, submitted_runs(workspace), competition)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.at(tmp_path)


@pytest.fixture
def plant(workspace: Workspace) -> Plant:
    """Makes a run of two folds with a submission and predictions, started some days ago."""

    def make(
        run_id: str,
        state: str = "finished",
        score: float | None = 0.5,
        competition: str = "leaves",
        direction: str = "min",
        days: float = 1.0,
        **record: Any,
    ) -> Path:
        path = workspace.runs(competition) / run_id
        (path / "fold-0").mkdir(parents=True)
        (path / "fold-0" / "meta.json").write_text("{}")
        (path / "fold-0" / "model.safetensors").write_bytes(b"x" * 1000)
        started = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        facts = {"run_id": run_id, "state": state, "started": started, "folds": [0, 1]}
        (path / "run.json").write_text(json.dumps(facts | record))
        if state == "finished":
            card = {"metric": "RMSE", "direction": direction, "cv_score": score}
            (path / "scores.json").write_text(json.dumps(card))
        submission = workspace.submission(competition, run_id)
        submission.parent.mkdir(parents=True, exist_ok=True)
        submission.write_text("id,value\n")
        (workspace.out / "predictions" / run_id).mkdir(parents=True)
        (workspace.out / "predictions" / run_id / "prediction.json").write_text("{}")
        return path

    return make


@pytest.fixture
def work() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Starts a process that works on a run until it is killed."""
    processes: list[subprocess.Popen[str]] = []

    def begin(path: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WORK, str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout
        assert process.stdout.readline() == "at work\n"
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def names(found: list[RunInfo]) -> list[str]:
    return [run.run_id for run in found]


def everything(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_a_finished_run_is_listed_with_all_that_is_known(workspace: Workspace, plant: Plant):
    path = plant("20240501-a", score=0.125, days=3, synthetic=True)

    (run,) = runs_in(workspace)

    assert (run.competition, run.run_id, run.path) == ("leaves", "20240501-a", path)
    assert (run.state, run.reason, run.synthetic, run.submitted) == ("finished", "", True, False)
    assert (run.metric, run.direction, run.cv_score) == ("RMSE", "min", 0.125)
    assert (run.folds_done, run.folds) == (1, 2)
    assert run.age_s == pytest.approx(3 * 86400, abs=60)
    assert run.bytes == sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def test_runs_are_listed_oldest_first_and_of_one_competition_if_named(
    workspace: Workspace, plant: Plant
):
    plant("new", days=1)
    plant("old", days=2)
    plant("other", competition="roots")

    assert names(runs_in(workspace)) == ["old", "new", "other"]
    assert names(runs_in(workspace, "roots")) == ["other"]
    assert runs_in(workspace, "..") == []


@pytest.mark.parametrize(
    ("state", "record", "expected"),
    [
        ("failed", {"reason": "the disk is full"}, ("failed", "the disk is full")),
        ("failed", {"reason": None}, ("failed", "")),
        ("interrupted", {"reason": None}, ("interrupted", "")),
        ("stopped", {}, ("interrupted", "")),
        ("running", {}, ("interrupted", "its process no longer exists")),
        ("flying", {}, ("damaged", "run.json contains the unknown state 'flying'")),
    ],
)
def test_the_state_is_that_of_run_json(
    workspace: Workspace, plant: Plant, state: str, record: Any, expected: tuple[str, str]
):
    plant("a", state=state, **record)
    (run,) = runs_in(workspace)
    assert (run.state, run.reason, run.cv_score) == (*expected, None)


def test_a_run_is_running_as_long_as_its_process_lives(
    workspace: Workspace, plant: Plant, work: Callable[[Path], subprocess.Popen[str]]
):
    process = work(plant("a", state="running"))
    (run,) = runs_in(workspace)
    assert run.state == "running"
    assert runs_to_prune([run], 0, unfinished=True) == []
    with pytest.raises(RunError, match="run a is running"):
        remove([run], workspace)
    assert run.path.is_dir()

    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    process.wait()

    (run,) = runs_in(workspace)
    assert (run.state, run.reason) == ("interrupted", "its process no longer exists")
    assert names(runs_to_prune([run], 0, unfinished=True)) == ["a"]


def test_a_run_that_is_resumed_after_it_was_listed_stays(
    workspace: Workspace, plant: Plant, work: Callable[[Path], subprocess.Popen[str]]
):
    (run,) = [plant("a", state="interrupted")] and runs_in(workspace)
    work(run.path)
    with pytest.raises(RunError, match="run a is running"):
        remove([run], workspace)
    assert run.path.is_dir()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "run.json is missing"),
        ("", "run.json cannot be read"),
        ('{"state": "fini', "run.json cannot be read"),
        ("[1, 2]", "run.json cannot be read"),
        ("{}", "run.json contains the unknown state 'None'"),
        ('{"state": "finished", "started": 5, "folds": 3}', "scores.json cannot be read"),
    ],
)
def test_a_damaged_folder_is_listed_as_such_and_stops_nothing(
    workspace: Workspace, plant: Plant, text: str | None, reason: str
):
    plant("whole")
    damaged = workspace.runs("leaves") / "damaged"
    damaged.mkdir()
    if text is not None:
        (damaged / "run.json").write_text(text)

    found = {run.run_id: run for run in runs_in(workspace)}

    assert found["whole"].state == "finished"
    assert found["damaged"].reason == reason
    assert (found["damaged"].state == "finished") is ("finished" in (text or ""))
    assert names(runs_to_prune(list(found.values()), 0, synthetic=True, unfinished=True)) == [
        "whole"
    ]


def test_a_folder_that_may_not_be_read_stops_nothing(
    workspace: Workspace, plant: Plant, monkeypatch: pytest.MonkeyPatch
):
    plant("whole", days=2)
    forbidden = plant("forbidden")

    def refusing(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Path, *args: Any, **how: Any) -> Any:
            if forbidden in path.parents:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return method(path, *args, **how)

        return call

    for name in ("stat", "read_text"):
        monkeypatch.setattr(Path, name, refusing(getattr(Path, name)))

    whole, other = runs_in(workspace)

    assert (whole.state, other.run_id, other.state) == (
        "finished",
        "forbidden",
        "damaged",
    )
    assert other.reason == "run.json cannot be read: Permission denied"
    assert other.cv_score is None
    assert removal.reason_to_keep(other) == ""


@pytest.mark.parametrize("score", [float("nan"), 10**400], ids=["nan", "long"])
def test_a_score_that_is_no_number_is_none(workspace: Workspace, plant: Plant, score: float):
    plant("a", score=score)
    (run,) = runs_in(workspace)
    assert (run.state, run.cv_score) == ("finished", None)
    assert runs_to_prune([run], 0) == []


def test_a_workspace_without_runs_has_none(workspace: Workspace):
    assert runs_in(workspace) == []


def test_runs_are_found_by_the_beginning_of_their_ids(workspace: Workspace, plant: Plant):
    for run_id in ("20240501-a", "20240501-ab", "20240502-b"):
        plant(run_id)
    found = runs_in(workspace)

    assert names(select_runs(found, ["20240502", "20240501-a", "20240502-b"])) == [
        "20240502-b",
        "20240501-a",
    ]
    for name, words in [
        ("2024", "'2024' matches 3 runs"),
        ("x", "no run 'x' in this workspace"),
        ("", "no run"),
    ]:
        with pytest.raises(RunError, match=words):
            select_runs(found, [name])


@pytest.mark.parametrize(("direction", "kept"), [("min", ["best", "good"]), ("max", ["bad", "ok"])])
def test_the_best_finished_runs_stay(
    workspace: Workspace, plant: Plant, direction: str, kept: list[str]
):
    scores = {"good": 0.2, "best": 0.1, "bad": 0.9, "ok": 0.3}
    for run_id, score in scores.items():
        plant(run_id, score=score, direction=direction)
    plant("other", competition="roots", score=5.0)

    gone = set(names(runs_to_prune(runs_in(workspace), 2)))

    assert gone == scores.keys() - set(kept)


def test_of_equal_scores_the_newer_run_stays(workspace: Workspace, plant: Plant):
    plant("new", days=1)
    plant("old", days=2)
    assert names(runs_to_prune(runs_in(workspace), 1)) == ["old"]


def test_sample_and_unfinished_runs_go_only_where_they_are_asked_for(
    workspace: Workspace, plant: Plant
):
    plant("real", score=0.9)
    plant("drawn", score=0.1, synthetic=True)
    plant("drawn-too", score=0.2, synthetic=True)
    plant("broken", state="failed")
    plant("cut", state="interrupted")
    found = runs_in(workspace)

    assert names(runs_to_prune(found, 1)) == []  # the drawn runs push no real one out
    assert names(runs_to_prune(found, 1, synthetic=True)) == ["drawn-too"]
    assert set(names(runs_to_prune(found, 1, unfinished=True))) == {"broken", "cut"}


def test_what_the_ledger_refers_to_stays(workspace: Workspace, plant: Plant):
    for run_id, score in [("sent", 0.9), ("best", 0.1), ("begun", 0.8), ("other", 0.7)]:
        plant(run_id, score=score)
    ledger = Ledger(workspace.ledger)
    ledger.append("intent", "t1", "leaves", run_id="sent")
    ledger.append("created", "t1", "leaves", ref=7)
    ledger.append("intent", "t2", "leaves", run_id="begun")
    ledger.append("intent", "t3", "roots", run_id="other")
    found = runs_in(workspace)

    assert {run.run_id for run in found if run.submitted} == {"sent", "begun"}
    assert names(runs_to_prune(found, 1)) == ["other"]
    with pytest.raises(RunError, match="run sent was submitted and is in the ledger"):
        remove(select_runs(found, ["other", "sent"]), workspace)
    assert len(runs_in(workspace)) == 4


def test_a_run_goes_with_all_that_it_made_and_nothing_else(workspace: Workspace, plant: Plant):
    plant("stays")
    before = everything(workspace.out)
    plant("goes")
    (workspace.root / "data").mkdir()
    (workspace.root / "data" / "train.csv").write_text("id\n")

    remove(select_runs(runs_in(workspace), ["goes"]), workspace)

    assert everything(workspace.out) == before | {"data/train.csv"}
    assert names(runs_in(workspace)) == ["stays"]
    assert not (workspace.runs("leaves") / removal.REMOVED).exists()


def test_a_damaged_folder_can_be_removed(workspace: Workspace, plant: Plant):
    (plant("a") / "run.json").unlink()
    remove(runs_in(workspace), workspace)
    assert everything(workspace.out) == set()


def test_links_are_not_followed(workspace: Workspace, plant: Plant, tmp_path: Path):
    path = plant("a")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious.txt").write_text("x")
    (path / "link").symlink_to(elsewhere)
    (workspace.runs("leaves") / "linked").symlink_to(elsewhere)
    found = {run.run_id: run for run in runs_in(workspace)}

    with pytest.raises(RunError, match=f"run linked is a link to {elsewhere}"):
        remove([found["linked"]], workspace)
    remove([found["a"]], workspace)

    assert (elsewhere / "precious.txt").is_file()
    assert not path.exists()


def test_a_removal_that_is_killed_leaves_no_half_run(
    workspace: Workspace, plant: Plant, monkeypatch: pytest.MonkeyPatch
):
    """Broken off after each single removal of a file or folder."""
    plant("stays")
    before = everything(workspace.out)
    erase = removal._delete
    for allowed in range(1, 6):
        plant("goes", score=0.0)
        count = iter(range(allowed))

        def killed(path: Path, count: Iterator[int] = count) -> None:
            if next(count, None) is None:
                raise KeyboardInterrupt
            erase(path)

        monkeypatch.setattr(removal, "_delete", killed)
        try:
            remove(select_runs(runs_in(workspace), ["goes"]), workspace)
        except KeyboardInterrupt:
            found = list(workspace.out.glob("runs/*/*/run.json"))
            assert [path.parent.name for path in found] == ["stays"]
            assert names(runs_in(workspace)) == ["stays"]
        monkeypatch.setattr(removal, "_delete", erase)
        remove([], workspace)  # the next removal finishes it
        assert everything(workspace.out) == before
    assert next(count, None) == 4  # the last round was not broken off


def test_a_run_that_was_brought_back_keeps_its_submission(workspace: Workspace, plant: Plant):
    path = plant("a")
    remains = path.parent / removal.REMOVED / "a"
    remains.mkdir(parents=True)
    (remains / "run.json").write_text("{}")
    before = everything(path)

    remove([], workspace)

    assert everything(path) == before
    assert workspace.submission("leaves", "a").is_file()
    assert not remains.exists()


def test_a_disk_that_refuses_is_said_in_one_line(workspace: Workspace, plant: Plant):
    path = plant("a")
    (path.parent / removal.REMOVED).write_text("a file in the way")
    with pytest.raises(
        RunError, match=r"cannot remove .*\.removed.*correct that and repeat the command"
    ):
        remove(runs_in(workspace), workspace)
    assert path.is_dir()


def test_the_size_of_many_runs_is_found_quickly(workspace: Workspace, plant: Plant):
    for i in range(100):
        plant(f"run-{i:03d}", score=i / 100)
    began = time.process_time()
    assert len(runs_to_prune(runs_in(workspace), 10)) == 90
    assert time.process_time() - began < 5


def test_a_run_over_some_folds_ousts_none_over_all(workspace: Workspace, plant: Plant):
    plant("all", score=0.5, config={"folds": 2})
    plant("all-worse", score=0.6, config={"folds": 2})
    plant("one-fold", score=0.1, folds=[0], config={"folds": 2})
    plant("other-fold", score=0.2, folds=[1], config={"folds": 2})

    assert names(runs_to_prune(runs_in(workspace), keep_best=1)) == ["all-worse"]
    assert len(runs_to_prune(runs_in(workspace), keep_best=0)) == 4


def test_what_the_ledger_of_the_working_folder_refers_to_stays_elsewhere_too(tmp_path: Path):
    apart = Workspace.at(tmp_path, tmp_path / "apart")
    path = apart.runs("leaves") / "a"
    path.mkdir(parents=True)
    (path / "run.json").write_text(json.dumps({"run_id": "a", "state": "failed"}))
    Ledger(Workspace.at(tmp_path).ledger).append("intent", "t1", "leaves", run_id="a")

    (run,) = runs_in(apart)

    assert run.submitted
    assert runs_to_prune([run], keep_best=0, unfinished=True) == []


def test_folds_that_were_left_out_are_not_done(workspace: Workspace, plant: Plant):
    """A budget that is spent leaves folds out, and --fold starts a run on some folds only."""
    plant("left-out", folds=[0], left_out=[1, 2, 3, 4], config={"folds": 5})
    plant("one-fold", folds=[3], config={"folds": 5}, days=0.5)
    plant("unknown", folds=[0, 1], days=0.1)

    found = runs_in(workspace)

    assert [(run.state, run.folds_done, run.folds) for run in found] == [
        ("finished", 1, 5),
        ("finished", 1, 5),
        ("finished", 1, 2),
    ]
    assert [run.part for run in found] == ["0", "3", ""]
