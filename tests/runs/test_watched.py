"""A run as another process sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from comp.errors import RunError
from comp.runs import watched
from comp.runs.folder import RunFolder
from comp.runs.live import FoldProgress, RunProgress, write_progress
from comp.runs.watched import follow, look_at, newest_running
from comp.workspace import Workspace

RECORD = {"state": "running", "competition": "leaves", "folds": [0, 1, 2], "config": {"folds": 3}}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "POLL_S", 0.0)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return made(tmp_path, "20260101-000000-aaaaaa")


def made(out: Path, run_id: str, **changes: Any) -> RunFolder:
    folder = RunFolder(out / "runs" / "leaves" / run_id)
    folder.path.mkdir(parents=True)
    write(folder.path / "run.json", RECORD | changes)
    return folder


def write(path: Path, values: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values))


def train(run: RunFolder) -> None:
    """Fold 0 is finished, and fold 1 has begun."""
    write(run.fold(0) / "meta.json", {"score": 0.5, "step": 7, "fit_s": 2.0, "predict_s": 1.0})
    for fold, scores in ((0, [0.7, 0.5]), (1, [0.9, 0.4, 0.6])):
        lines = [
            json.dumps({"step": n, "score": s, "loss": 2 * s}) for n, s in enumerate(scores, 1)
        ]
        run.fold(fold).mkdir(exist_ok=True)
        (run.fold(fold) / "history.jsonl").write_text("\n".join(lines) + "\n")


def test_a_run_that_works_is_as_its_progress_json_says(run: RunFolder) -> None:
    progress = RunProgress(metric="F1", folds=(FoldProgress(fold=0, state="trains"),), left_s=9.0)
    write_progress(run.path, progress)
    with FileLock(run.lock):
        seen = look_at(run)
    assert (seen.state, seen.lost, seen.competition) == ("running", False, "leaves")
    assert seen.progress == progress


@pytest.mark.parametrize("damage", [None, b"{", b"[]"])
def test_without_its_progress_json_the_other_files_count(
    run: RunFolder, damage: bytes | None
) -> None:
    train(run)
    if damage is not None:
        (run.path / "progress.json").write_bytes(damage)
    with FileLock(run.lock):
        folds = look_at(run).progress.folds
    assert [fold.state for fold in folds] == ["done", "trains", "waits"]
    assert [fold.scores for fold in folds] == [(0.7, 0.5), (0.9, 0.4, 0.6), ()]
    assert (folds[0].score, folds[0].best_step, folds[0].seconds) == (0.5, 7, 3.0)


def test_a_killed_run_is_interrupted_and_keeps_its_messages(run: RunFolder) -> None:
    train(run)
    stale = RunProgress(
        metric="RMSE", direction="min", notes=("a message",), note_count=4, left_s=60.0,
        folds=(FoldProgress(fold=1, state="trains", left_s=30.0),),
    )  # fmt: skip
    write_progress(run.path, stale)
    seen = look_at(run)
    assert (seen.state, seen.lost) == ("interrupted", True)
    assert seen.reason == "its process no longer exists"
    assert (seen.progress.notes, seen.progress.left_s) == (("a message",), None)
    folds = seen.progress.folds
    assert [fold.state for fold in folds] == ["done", "stopped", "waits"]
    assert (folds[1].score, folds[1].best_step) == (0.4, 2)


def test_a_finished_run_has_its_final_scores(run: RunFolder) -> None:
    train(run)
    write(run.path / "run.json", RECORD | {"state": "finished"})
    write(
        run.scores,
        {"metric": "F1", "direction": "max", "cv_score": 0.8, "fold_scores": {"0": 0.75}},
    )
    seen = look_at(run)
    assert (seen.state, seen.cv_score, seen.progress.metric) == ("finished", 0.8, "F1")
    assert seen.progress.folds[0].score == 0.75


def test_the_curve_of_a_fold_of_seeds_is_that_of_the_last(run: RunFolder) -> None:
    for seed, score in (("seed-0", 0.1), ("seed-1", 0.2)):
        place = run.fold(0) / seed
        place.mkdir(parents=True)
        (place / "history.jsonl").write_text(json.dumps({"step": 1, "score": score}) + "\n")
    assert look_at(run).progress.folds[0].scores == (0.2,)


@pytest.mark.parametrize("values", [{"state": "asleep"}, {}])
def test_a_damaged_record_is_said(run: RunFolder, values: dict[str, str]) -> None:
    write(run.path / "run.json", values)
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        look_at(run)
    (run.path / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"run\.json cannot be read"):
        look_at(run)


def test_damaged_parts_of_a_run_do_not_hide_the_rest(run: RunFolder) -> None:
    train(run)
    (run.fold(0) / "meta.json").write_text('{"score": "high", "step": []}')
    (run.fold(1) / "history.jsonl").write_bytes(b"\xff\xff\n")
    write(run.path / "run.json", RECORD | {"state": "finished", "folds": [0, "x", 1]})
    run.scores.write_text("[]")
    folds = look_at(run).progress.folds
    assert [(fold.fold, fold.state) for fold in folds] == [(0, "stopped"), (1, "waits")]


def test_looking_writes_nothing_and_lets_the_run_be_locked(run: RunFolder) -> None:
    train(run)
    run.lock.touch()
    before = {path: path.stat().st_mtime_ns for path in [run.path, *run.path.rglob("*")]}
    for _ in range(3):
        look_at(run)
        with FileLock(run.lock, timeout=0):
            pass
    run.path.chmod(0o555)
    try:
        look_at(run)
    finally:
        run.path.chmod(0o755)
    after = {path: path.stat().st_mtime_ns for path in [run.path, *run.path.rglob("*")]}
    assert after.keys() == before.keys()
    assert {p for p in after if after[p] != before[p]} <= {run.lock}  # FileLock touches it


def test_a_run_is_followed_to_its_end(run: RunFolder) -> None:
    with FileLock(run.lock):
        looks = follow(run)
        assert next(looks).state == next(looks).state == "running"
        write(run.path / "run.json", RECORD | {"state": "failed", "reason": "no [room]"})
    assert [(seen.state, seen.reason) for seen in looks] == [("failed", "no [room]")]


def test_a_run_without_a_process_is_looked_at_again_before_it_counts_as_lost(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that starts has its run.json before its lock."""
    locked = iter([False, False, True, False, False, False])
    monkeypatch.setattr(watched, "seems_locked", lambda _path: next(locked))
    assert [seen.state for seen in follow(run)] == ["running", "interrupted"]


def test_the_newest_run_that_works_is_found(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    with pytest.raises(RunError, match=r"no run is running in .*: start one with 'comp run NAME'"):
        newest_running(workspace)
    old, new = (made(tmp_path, f"2026010{n}-000000-aaaaaa") for n in (1, 2))
    made(tmp_path, "20260103-000000-aaaaaa", state="finished")
    with pytest.raises(RunError, match="such as 20260103"):
        newest_running(workspace)
    with FileLock(old.lock):
        assert newest_running(workspace) == old
        with FileLock(new.lock):
            assert newest_running(workspace) == new


def test_a_blend_cannot_resume(tmp_path: Path) -> None:
    members = {"runs": [{"run_id": "a"}]}
    blend = made(tmp_path, "20260101-000000-bbbbbb", state="failed", blend=members)
    assert not look_at(blend).resumable
    assert look_at(made(tmp_path, "20260101-000000-cccccc", state="failed")).resumable
