"""Where data, runs and submissions live."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from comp.errors import DataError, RunError
from comp.workspace import Workspace

posix = pytest.mark.skipif(os.name != "posix", reason="Windows finds HOME elsewhere")


def add_run(workspace: Workspace, run_id: str, competition: str = "x") -> Path:
    folder = workspace.runs(competition) / run_id
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    return folder


def test_everything_stands_in_the_root(tmp_path: Path):
    workspace = Workspace.at(tmp_path)

    assert workspace.data("x") == tmp_path / "data" / "x"
    assert workspace.cache == tmp_path / "data" / ".cache"
    assert workspace.runs("x") == tmp_path / "runs" / "x"
    assert workspace.submission("x", "r1") == tmp_path / "submissions" / "x" / "r1.csv"


def test_what_is_written_can_stand_elsewhere(tmp_path: Path):
    (tmp_path / "a").mkdir()
    workspace = Workspace.at(tmp_path / "a", tmp_path / "b")

    assert workspace.data("x") == tmp_path / "a" / "data" / "x"
    assert workspace.cache == tmp_path / "a" / "data" / ".cache"
    assert workspace.runs("x") == tmp_path / "b" / "runs" / "x"
    assert workspace.submission("x", "r1") == tmp_path / "b" / "submissions" / "x" / "r1.csv"


def test_a_workspace_makes_no_folders(tmp_path: Path):
    workspace = Workspace.at(tmp_path)

    assert not workspace.has_data("x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "there"), [(None, False), (".gitkeep", False), ("train.zip", True)]
)
def test_data_is_there_when_a_visible_file_is(tmp_path: Path, name: str | None, there: bool):
    workspace = Workspace.at(tmp_path)
    workspace.data("x").mkdir(parents=True)
    if name:
        (workspace.data("x") / name).write_bytes(b"")

    assert workspace.has_data("x") is there


def test_data_that_may_not_be_read_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    workspace = Workspace.at(tmp_path)
    workspace.data("x").mkdir(parents=True)

    def refusing(path: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refusing)
    with pytest.raises(DataError, match=r"cannot read .*x: Permission denied; change its perm"):
        workspace.has_data("x")


def test_run_is_found_by_its_id_and_by_its_beginning(tmp_path: Path):
    workspace = Workspace.at(tmp_path)
    first = add_run(workspace, "20240101-100000-aaaaaa")
    second = add_run(workspace, "20240102-100000-bbbbbb", competition="y")

    assert workspace.find_run("20240101-100000-aaaaaa") == first
    assert workspace.find_run("20240102") == second


def test_run_whose_id_begins_another_is_found(tmp_path: Path):
    workspace = Workspace.at(tmp_path)
    first = add_run(workspace, "20240101-100000-aaaaaa")
    add_run(workspace, "20240101-100000-aaaaaa-2")

    assert workspace.find_run("20240101-100000-aaaaaa") == first


def test_runs_are_looked_for_where_they_are_written(tmp_path: Path):
    workspace = Workspace.at(tmp_path / "a", tmp_path / "b")
    add_run(Workspace.at(tmp_path / "a"), "r1")
    there = add_run(workspace, "r2")

    assert workspace.find_run("r2") == there
    with pytest.raises(RunError, match="no run 'r1'"):
        workspace.find_run("r1")


def test_beginning_of_several_runs_is_refused_with_their_names(tmp_path: Path):
    workspace = Workspace.at(tmp_path)
    add_run(workspace, "20240101-a")
    add_run(workspace, "20240101-b", competition="y")

    with pytest.raises(RunError) as caught:
        workspace.find_run("2024")

    assert str(caught.value) == (
        "'2024' is the beginning of 2 runs (20240101-a, 20240101-b): give more of the id"
    )


def test_unknown_run_is_refused_with_the_newest(tmp_path: Path):
    workspace = Workspace.at(tmp_path)
    for day in (3, 1, 4, 2):
        add_run(workspace, f"2024010{day}", competition=f"c{day}")

    with pytest.raises(RunError) as caught:
        workspace.find_run("1999")

    assert str(caught.value) == (
        f"no run '1999' under {tmp_path / 'runs'}: the newest: 20240104, 20240103, 20240102"
    )


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names are always text there")
def test_an_output_folder_whose_name_is_no_text_is_refused(tmp_path: Path):
    with pytest.raises(RunError, match=r"caf.udce9': no UTF-8; use --out"):
        Workspace.at(tmp_path, tmp_path / "caf\udce9").check_writable("x")


def test_unknown_run_where_there_are_none(tmp_path: Path):
    with pytest.raises(RunError, match=r"no run 'x' under .*: there are no runs yet"):
        Workspace.at(tmp_path).find_run("x")


def test_folder_without_a_record_is_no_run(tmp_path: Path):
    workspace = Workspace.at(tmp_path)
    (workspace.runs("x") / "r1").mkdir(parents=True)

    with pytest.raises(RunError, match="no run 'r1'"):
        workspace.find_run("r1")


@pytest.mark.parametrize("pattern", ["*", "r?", "[r]1", "**"])
def test_wildcards_are_letters(tmp_path: Path, pattern: str):
    workspace = Workspace.at(tmp_path)
    add_run(workspace, "r1")

    with pytest.raises(RunError, match="no run"):
        workspace.find_run(pattern)


def test_run_is_found_by_its_id_alone_without_its_competition(tmp_path: Path):
    workspace = Workspace.at(tmp_path)
    add_run(workspace, "r1")

    with pytest.raises(RunError, match="no run 'x/r1'"):
        workspace.find_run("x/r1")


@pytest.mark.parametrize("blocked", ["data", "data/.cache"])
def test_cache_stands_by_the_runs_where_the_data_folder_cannot_be_written(
    tmp_path: Path, blocked: str
):
    (tmp_path / blocked).parent.mkdir(exist_ok=True)
    (tmp_path / blocked).write_text("a file in the way")
    workspace = Workspace.at(tmp_path, tmp_path / "b")

    assert workspace.cache == tmp_path / "b" / "data" / ".cache"


@posix
def test_cache_is_the_users_own_where_nothing_else_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for root in ("a", "b"):
        (tmp_path / root).mkdir()
        (tmp_path / root / "data").write_text("a file in the way")
    one, other = (Workspace.at(tmp_path / root) for root in ("a", "b"))

    assert one.cache.parent == tmp_path / ".cache" / "comp"
    assert one.cache == Workspace.at(tmp_path / "a").cache != other.cache
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert one.cache.parent == tmp_path / "own" / "comp"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_folder_that_not_even_the_superuser_can_write_to(tmp_path: Path):
    workspace = Workspace.at(Path("/proc"), tmp_path)
    assert workspace.cache == tmp_path / "data" / ".cache"
    workspace.check_writable("x")
    with pytest.raises(RunError, match=r"cannot write to /proc/runs/x: /proc: .*; use --out"):
        Workspace.at(Path("/proc")).check_writable("x")
