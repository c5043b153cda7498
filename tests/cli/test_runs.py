"""`comp runs`, `comp runs rm` and `comp runs prune` as commands of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import inline_comp
import pytest
from on_terminal import run_on_terminal

IDS = ("20240501-100000-aaaaaa", "20240502-100000-bbbbbb", "20240503-100000-cccccc")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with three finished runs of denoising, with the OOF scores 0.1, 0.2 and 0.3, and
    one that failed."""
    for i, run_id in enumerate(IDS):
        path = tmp_path / "runs" / "denoising" / run_id
        path.mkdir(parents=True)
        record = {"state": "finished", "started": f"2024-05-0{i + 1}T10:00:00+00:00", "folds": [0]}
        (path / "run.json").write_text(json.dumps(record))
        card = {"metric": "RMSE", "direction": "min", "cv_score": (i + 1) / 10}
        (path / "scores.json").write_text(json.dumps(card))
        submission = tmp_path / "submissions" / "denoising" / f"{run_id}.csv"
        submission.parent.mkdir(parents=True, exist_ok=True)
        submission.write_text("id,value\n")
    failed = tmp_path / "runs" / "denoising" / "20240504-100000-dddddd"
    failed.mkdir()
    (failed / "run.json").write_text(json.dumps({"state": "failed", "reason": "no room [left]"}))
    return tmp_path


def comp(*args: str, cwd: Path, **how: object) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"COLUMNS": "200"}
    if not how:
        return inline_comp.run("runs", *args, cwd=cwd, env=env)
    command = [sys.executable, "-m", "comp", "runs", *args]
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        **how,  # type: ignore[call-overload]
    )


def left(place: Path) -> list[str]:
    return sorted(path.name for path in (place / "runs" / "denoising").iterdir())


def test_the_list_as_a_table_and_as_json(place: Path):
    done = comp(cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    rows = done.stdout.splitlines()
    (row,) = [row for row in rows if IDS[0] in row]
    assert "finished" in row
    assert "0.10000" in row
    assert "0/1" in row
    assert " d " in row
    assert "failed: no room [left]" in done.stdout
    assert rows[-1].startswith("4 runs, 0.0 MB in total")

    done = comp("--json", cwd=place)
    found = json.loads(done.stdout)
    assert [run["run_id"] for run in found["runs"]][:3] == list(IDS)
    assert found["bytes"] == sum(run["bytes"] for run in found["runs"])


def test_without_runs_it_says_so_and_makes_nothing(tmp_path: Path):
    done = comp(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "no runs here: start one with 'comp run NAME'\n"
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_competition_is_refused(place: Path):
    done = comp("--competition", "denoisng", cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert "denoisng" in done.stderr


def test_runs_elsewhere_are_named_by_their_folder(place: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    assert IDS[0] in comp("--runs", str(place), cwd=other).stdout
    done = comp("rm", IDS[0][:10], "--yes", "--runs", str(place), cwd=other)
    assert done.returncode == 0, done.stderr
    assert IDS[0] not in left(place)


def test_options_of_the_list_before_another_command_are_refused(place: Path):
    done = comp("--competition", "chest-xray", "prune", "--keep-best", "0", "--yes", cwd=place)
    assert done.returncode == 2
    assert "must follow its name" in done.stderr
    assert len(left(place)) == 4


def test_nothing_goes_where_nobody_can_be_asked(place: Path):
    for words in (["rm", IDS[1]], ["prune", "--keep-best", "1"]):
        done = comp(*words, cwd=place)
        assert done.returncode == 2
        assert IDS[1] in done.stdout
        assert "without a terminal: give --yes" in done.stderr
        assert done.stderr.count("\n") == 1
    assert len(left(place)) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
@pytest.mark.parametrize(("answer", "count"), [(b"n\n", 4), (b"\n", 4), (b"y\n", 2)])
def test_it_asks_and_does_as_it_is_told(place: Path, answer: bytes, count: int):
    command = [sys.executable, "-m", "comp", "runs", "prune", "--keep-best", "1"]
    code, shown = run_on_terminal(command, answer, cwd=place, env=os.environ | {"COLUMNS": "200"})
    assert code == 0, shown
    assert "remove 2 runs, 0.0 MB, with submissions and predictions? [y/N]" in shown
    assert ("nothing was removed" in shown) is (count == 4)
    assert len(left(place)) == count


def test_prune_keeps_the_best_and_what_was_submitted(place: Path):
    line = {"at": "2024-05-05", "event": "intent", "tag": "t", "competition": "denoising"}
    ledger = place / "submissions" / "ledger.jsonl"
    ledger.write_text(json.dumps(line | {"run_id": IDS[2]}) + "\n")

    done = comp("prune", "--keep-best", "1", "--yes", "--unfinished", cwd=place)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "removed 2 runs, 0.0 MB"
    assert left(place) == [IDS[0], IDS[2]]
    csvs = sorted(path.stem for path in (place / "submissions" / "denoising").iterdir())
    assert csvs == [IDS[0], IDS[2]]
    done = comp("prune", "--keep-best", "1", cwd=place)
    assert (done.returncode, done.stdout) == (0, "nothing to remove: 2 runs here\n")


def test_rm_removes_all_that_are_named_or_none(place: Path):
    done = comp("rm", IDS[0], "20990101", "--yes", cwd=place)
    assert done.returncode == 2
    assert "no run '20990101'" in done.stderr
    assert len(left(place)) == 4
    done = comp("rm", IDS[0], IDS[1][:8], "--yes", cwd=place)
    assert done.returncode == 0, done.stderr
    assert left(place) == [IDS[2], "20240504-100000-dddddd"]


@pytest.mark.parametrize("words", [["prune"], ["prune", "--keep-best", "-1"], ["rm"], ["burn"]])
def test_mistakes_are_refused(place: Path, words: list[str]):
    done = comp(*words, cwd=place)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(left(place)) == 4
