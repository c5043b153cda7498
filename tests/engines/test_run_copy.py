"""The folder of a run on a node that works on a copy of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.engines.run_copy import RunCopy, find_run, read_run, write_changes


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with a finished fold, and another that trains."""
    folder = tmp_path / "run"
    for name in ("folds.csv", "run.json", "reader/images.json", "oof.safetensors"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    for name in ("fold-0/meta.json", "fold-1/resume.pt", "fold-1/fold.lock", "fold-2/resume.pt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_a_task_gets_what_it_needs(run: Path, tmp_path: Path) -> None:
    shared = {"folds.csv", "run.json", "reader/images.json"}
    assert set(read_run(run).files) == {*shared, "fold-1/resume.pt", "fold-2/resume.pt"}
    assert set(read_run(run, [run, run / "fold-1"]).files) == {*shared, "fold-1/resume.pt"}
    assert find_run(run / "fold-1" / "seed-0") == find_run(run) == run
    assert find_run(tmp_path) is None


def test_a_copy_is_not_the_run_itself(run: Path, tmp_path: Path) -> None:
    files = read_run(run)
    assert files.is_here()
    (run / "folds.csv").rename(run / "old")
    (run / "folds.csv").write_text("folds.csv")
    assert not files.is_here()


def test_what_a_task_writes_comes_back(run: Path, tmp_path: Path) -> None:
    copy = RunCopy.write(read_run(run, [run / "fold-1"]), tmp_path / "node" / "run")
    copy.mark_known()
    fold = copy.path / "fold-1"
    assert copy.changes() == []
    for name in ("history.jsonl", "meta.json", "resume.pt", "fold.lock"):
        (fold / name).write_text("new")
    (copy.path / "run.json").write_text("only the machine of the run writes this")
    names = [name for name, _ in copy.changes()]
    # The history belongs to the checkpoint before it, and the last file says "finished".
    assert names == ["fold-1/resume.pt", "fold-1/history.jsonl", "fold-1/meta.json"]
    (fold / "resume.pt").unlink()
    (fold / "meta.json").unlink()
    (fold / "history.jsonl").write_text("longer")
    changes = copy.changes()
    assert [name for name, data in changes if data is None] == [
        "fold-1/meta.json",
        "fold-1/resume.pt",
    ]
    write_changes(run, changes)
    assert not (run / "fold-1" / "resume.pt").exists()
    assert (run / "fold-1" / "history.jsonl").read_text() == "longer"
    assert (run / "run.json").read_text() == "run.json"
