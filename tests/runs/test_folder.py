"""The folder of a run, and what run.json says."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import pytest

import comp
from comp.config.schema import RunConfig, resolve
from comp.errors import DiskError, RunError
from comp.files import write_json
from comp.runs.folder import NEEDED_TO_RESUME, RunFolder, config_hash, create, environment

NOW = datetime(2024, 5, 1, 9, 8, 7)


def config(**values: object) -> RunConfig:
    return resolve("x", [values])


def test_run_id_is_date_time_and_hash_of_the_configuration(tmp_path: Path):
    folder = create(tmp_path / "runs" / "x", config(), NOW)

    assert folder.run_id == f"20240501-090807-{config_hash(config())[:6]}"
    assert folder.path == tmp_path / "runs" / "x" / folder.run_id
    assert folder.path.is_dir()


def test_runs_of_one_second_get_numbers(tmp_path: Path):
    ids = [create(tmp_path, config(), NOW).run_id for _ in range(3)]

    assert ids == [ids[0], f"{ids[0]}-2", f"{ids[0]}-3"]


def test_other_configurations_of_one_second_get_other_ids(tmp_path: Path):
    first = create(tmp_path, config(), NOW).run_id
    second = create(tmp_path, config(seed=1), NOW).run_id

    assert first[:15] == second[:15]
    assert first != second
    assert not second.endswith("-2")


def test_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "runs").write_text("a file")

    with pytest.raises(RunError) as caught:
        create(tmp_path / "runs", config(), NOW)

    assert f"cannot write to {tmp_path / 'runs'}" in str(caught.value)
    assert "--out" in str(caught.value)


def test_paths_inside(tmp_path: Path):
    folder = RunFolder(tmp_path / "r1")

    assert folder.folds_csv == tmp_path / "r1" / "folds.csv"
    assert folder.fold(3) == tmp_path / "r1" / "fold-3"
    assert {p.name for p in (folder.oof, folder.test, folder.scores, folder.reader_folder)} == {
        "oof.safetensors",
        "test.safetensors",
        "scores.json",
        "reader",
    }
    assert not folder.path.exists()


def test_notes_add_to_the_record_and_replace(tmp_path: Path):
    folder = RunFolder(tmp_path)

    folder.update_record(state="running", seed=1)
    folder.update_record(state="finished", plan={0: 5}, data=tmp_path)

    assert folder.record() == {
        "state": "finished",
        "seed": 1,
        "plan": {"0": 5},
        "data": str(tmp_path),
    }
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b'{"state": "run',
        b"\xff\xfe",
        pytest.param(b"[1, 2]"),
        pytest.param(b"3"),
    ],
    ids=["missing", "empty", "cut", "no text", "a list", "a number"],
)
def test_record_that_cannot_be_read_names_the_folder(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)

    with pytest.raises(RunError) as caught:
        RunFolder(tmp_path).record()

    assert f"{tmp_path} is not a run: run.json cannot be read" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("competition", None, "competition is None"),
        ("config", [], "config is []"),
        ("folds", "ab", "folds is 'ab'"),
        ("folds", [], "folds is []"),
        ("data", 5, "data is 5"),
        ("plan", {"a": 1}, "plan is {'a': 1}"),
        ("data_fingerprint", ..., "data_fingerprint is missing"),
    ],
)
def test_record_names_what_is_needed_and_is_not_there(
    tmp_path: Path, key: str, value: object, words: str
):
    whole = {
        "competition": "x",
        "config": {},
        "folds": [0],
        "data": "d",
        "synthetic": False,
    }
    whole |= {"data_fingerprint": "f", "plan": {"0": 3}}
    write_json(tmp_path / "run.json", whole)
    assert RunFolder(tmp_path).record(*NEEDED_TO_RESUME) == whole | {"plan": {0: 3}}
    damaged = {k: v for k, v in (whole | {key: value}).items() if v is not ...}
    write_json(tmp_path / "run.json", damaged)

    assert RunFolder(tmp_path).record() == damaged
    with pytest.raises(RunError) as caught:
        RunFolder(tmp_path).record(*NEEDED_TO_RESUME)

    assert f"{tmp_path / 'run.json'} is damaged: {words}; restore the file" in str(caught.value)


def test_hash_is_the_same_for_the_same_configuration():
    assert config_hash(config(optim={"lr": 0.5})) == config_hash(config(optim={"lr": 0.5}))
    assert config_hash(config(budget="2m")) == config_hash(config(budget=120))
    assert len(config_hash(config())) == 64


def test_hash_survives_the_way_through_json():
    first = config(weights="a/b.safetensors", optim={"ema": 0.9}, budget="1h")

    again = resolve("x", [json.loads(json.dumps(first.model_dump(mode="json")))])

    assert config_hash(again) == config_hash(first)


def test_hash_changes_with_every_part_of_the_configuration():
    changes = [
        {},
        {"seed": 1},
        {"folds": 3},
        {"optim": {"lr": 0.5}},
        {"loader": {"workers": 1}},
        {"predict": {"tta": "hflip"}},
        {"weights": "a"},
        {"pretrained": True},
    ]
    hashes = {config_hash(config(**change)) for change in changes}
    hashes.add(config_hash(resolve("y", [])))

    assert len(hashes) == len(changes) + 1


def test_hash_changes_with_the_options(tiny: RunConfig):
    other = tiny.model_copy(update={"options": tiny.options.model_copy(update={"crop": 48})})

    assert config_hash(other) != config_hash(tiny)


def test_environment_names_the_versions():
    found = environment()

    assert found["comp"] == comp.__version__
    assert found["packages"]["numpy"] == version("numpy")
    assert found["packages"]["torch"] == version("torch")
    assert found["python"].startswith("3.")
    json.dumps(found)


def test_environment_outside_a_git_repository_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert environment()["git_commit"] is None


def test_environment_names_the_commit_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "m"], check=True)

    commit = environment()["git_commit"]

    assert len(commit) == 40
    assert int(commit, 16) > 0


def test_environment_without_git_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert environment()["git_commit"] is None


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_lock_that_may_not_be_written_is_a_mistake_that_can_be_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    def refuse(*_: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path / "run.lock"))

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    folder = RunFolder(tmp_path)
    words = rf"cannot write run\.lock in .*: {os.strerror(number)}; make the folder"
    with pytest.raises(DiskError, match=words), folder.running():
        pytest.fail("it runs without a lock")


@pytest.mark.usefixtures("no_locks")
def test_a_run_on_a_disk_without_locks_goes_on_with_one_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = RunFolder(tmp_path)
    assert not folder.alive()
    for _ in range(2):
        with folder.running():
            assert folder.alive()
    assert not folder.alive()
    assert folder.record()["state"] == "running"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"comp: the disk of {tmp_path} has no file locks (")
