"""Where the data of a run comes from."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from comp import __version__
from comp.contract.competition import Competition
from comp.data.location import (
    DataSource,
    SeveralRootsError,
    cached_synthetic_data,
    draw_synthetic_data,
    find_root,
    locate_data,
    open_folder,
)
from comp.errors import ConfigError, DataError, DiskError
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING


def draw(root: Path, rng: np.random.Generator) -> None:
    (root / "left").mkdir()
    (root / "right").mkdir()
    (root / "left" / "numbers.txt").write_text(str(rng.integers(0, 10**9, 4).tolist()))


COMPETITION: Competition = replace(
    DENOISING, name="tiny-one", layout=("left", "right"), draw_synthetic=draw
)


def lay_out(folder: Path) -> Path:
    for name in COMPETITION.layout:
        (folder / name).mkdir(parents=True)
        (folder / name / "a.txt").write_text(name)
    return folder


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as stream:
        for path in sorted(folder.rglob("*")):
            stream.write(path, path.relative_to(folder))
    return archive


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "work"
    root.mkdir()
    return Workspace.at(root)


def test_folder_that_is_given(tmp_path: Path, workspace: Workspace):
    folder = lay_out(tmp_path / "mine")

    assert locate_data(COMPETITION, workspace, folder, False) == DataSource(folder, False)


def test_zip_that_is_given_is_unpacked_into_the_cache(tmp_path: Path, workspace: Workspace):
    archive = zipped(lay_out(tmp_path / "mine"), tmp_path / "data.zip")

    source = locate_data(COMPETITION, workspace, archive, False)

    assert not source.synthetic
    assert workspace.cache in source.root.parents
    assert (source.root / "left" / "a.txt").read_text() == "left"


def test_folder_with_only_a_zip_stands_for_the_zip(tmp_path: Path, workspace: Workspace):
    place = tmp_path / "place"
    place.mkdir()
    (place / ".DS_Store").write_bytes(b"")
    zipped(lay_out(tmp_path / "mine"), place / "data.zip")

    source = locate_data(COMPETITION, workspace, place, False)

    assert workspace.cache in source.root.parents
    assert (source.root / "right" / "a.txt").read_text() == "right"


def test_folder_with_a_zip_and_more_stands_for_itself(tmp_path: Path, workspace: Workspace):
    place = lay_out(tmp_path / "place")
    (place / "data.zip").write_bytes(b"not opened")

    assert open_folder(place, workspace) == place


def test_data_of_the_workspace_comes_before_a_sample(workspace: Workspace):
    folder = lay_out(workspace.data("tiny-one"))

    assert locate_data(COMPETITION, workspace, None, False) == DataSource(folder, False)


def test_sample_that_is_asked_for_comes_before_data(workspace: Workspace):
    lay_out(workspace.data("tiny-one"))

    source = locate_data(COMPETITION, workspace, None, True)

    assert source.synthetic
    assert source.root == workspace.cache / f"tiny-one-sample-{__version__}"


@pytest.mark.parametrize("leftover", [False, True])
def test_without_data_a_sample_is_drawn(workspace: Workspace, leftover: bool):
    if leftover:
        workspace.data("tiny-one").mkdir(parents=True)
        (workspace.data("tiny-one") / ".gitkeep").write_bytes(b"")

    source = locate_data(COMPETITION, workspace, None, False)

    assert source.synthetic
    assert (source.root / "left" / "numbers.txt").is_file()


def test_data_of_the_workspace_in_the_wrong_layout_is_no_reason_for_a_sample(
    workspace: Workspace,
):
    (workspace.data("tiny-one") / "left").mkdir(parents=True)

    with pytest.raises(DataError, match="right not found"):
        locate_data(COMPETITION, workspace, None, False)


@pytest.mark.parametrize("levels", [0, 1, 2, 3])
def test_root_is_found_up_to_three_levels_down(tmp_path: Path, levels: int):
    deep = tmp_path.joinpath(*"abc"[:levels])
    lay_out(deep)
    (tmp_path / "0-other").mkdir()

    assert find_root(COMPETITION, tmp_path) == deep


def test_root_four_levels_down_is_not_found(tmp_path: Path):
    lay_out(tmp_path / "a" / "b" / "c" / "d")

    with pytest.raises(DataError, match="left, right not found"):
        find_root(COMPETITION, tmp_path)


def test_shallowest_root_wins(tmp_path: Path):
    lay_out(tmp_path / "a" / "deep")
    lay_out(tmp_path / "z")

    assert find_root(COMPETITION, tmp_path) == tmp_path / "z"


@pytest.mark.parametrize("text", ["LEFT", "another size"])
def test_several_folders_with_other_files_are_refused(
    tmp_path: Path, workspace: Workspace, text: str
):
    """The first one by name was read, and nothing said so."""
    place = tmp_path / "place"
    for name in ("east", "west"):
        lay_out(place / name)
    (place / "west" / "left" / "a.txt").write_text(text)
    zipped(place / "east", place / "data.zip")  # which does not take their place

    with pytest.raises(SeveralRootsError) as caught:
        locate_data(COMPETITION, workspace, place, False)

    assert str(caught.value) == (
        f"2 folders in {place} have the layout of tiny-one (east, west), and their files differ: "
        "give the path of one of them"
    )
    assert locate_data(COMPETITION, workspace, place / "west", False).root == place / "west"


def test_a_file_more_makes_another_folder(tmp_path: Path):
    for name in ("a", "b", "c"):
        lay_out(tmp_path / name)
    (tmp_path / "c" / "more.txt").touch()

    with pytest.raises(SeveralRootsError, match=r"2 folders .* \(a, c\)"):
        find_root(COMPETITION, tmp_path)


def test_of_folders_with_the_same_files_the_first_is_read_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    first = lay_out(tmp_path / "data")
    (tmp_path / "latest").symlink_to(first, target_is_directory=True)
    lay_out(tmp_path / "__MACOSX" / "data")
    assert find_root(COMPETITION, tmp_path) == first
    assert capsys.readouterr().err == ""

    lay_out(tmp_path / "data copy")
    (tmp_path / "data copy" / ".DS_Store").touch()
    (first / "gone").symlink_to(tmp_path / "gone")
    assert find_root(COMPETITION, tmp_path) == first
    line = f"2 folders in {tmp_path} have the same files (data, data copy): data is read"
    assert line in capsys.readouterr().err


def test_a_copy_inside_the_data_is_not_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    outer = lay_out(tmp_path / "wrapper" / "data")
    (lay_out(outer / "data") / "left" / "a.txt").write_text("edited")

    assert find_root(COMPETITION, tmp_path) == outer
    assert find_root(COMPETITION, outer) == outer
    assert capsys.readouterr().err == ""


def test_wrong_layout_names_the_folder_what_is_missing_and_the_remedy(
    tmp_path: Path, workspace: Workspace
):
    (tmp_path / "left").mkdir()

    with pytest.raises(DataError) as caught:
        locate_data(COMPETITION, workspace, tmp_path, False)

    assert str(caught.value) == (
        f"{tmp_path} is not the data of tiny-one: right not found, only left, work; "
        "give --data a folder or zip with these names, or --sample for synthetic data, or correct "
        "the plugin"
    )


def test_missing_place_is_named(tmp_path: Path, workspace: Workspace):
    with pytest.raises(DataError, match=r"no data at .*nowhere: give a folder, or the zip"):
        locate_data(COMPETITION, workspace, tmp_path / "nowhere", False)


def test_file_that_is_no_zip_is_named(tmp_path: Path, workspace: Workspace):
    (tmp_path / "data.csv").write_text("id\n")

    with pytest.raises(DataError, match=r"data\.csv is not a zip archive"):
        locate_data(COMPETITION, workspace, tmp_path / "data.csv", False)


def test_drawn_sample_is_kept_and_not_drawn_again(workspace: Workspace):
    calls = []

    def counted(root: Path, rng: np.random.Generator) -> None:
        calls.append(root)
        draw(root, rng)

    competition = replace(COMPETITION, draw_synthetic=counted)

    first = cached_synthetic_data(competition, workspace)
    second = cached_synthetic_data(competition, workspace)

    assert first == second
    assert len(calls) == 1
    assert [path.name for path in workspace.cache.iterdir()] == [first.name]


def test_sample_that_fails_leaves_nothing(workspace: Workspace):
    def fail(root: Path, rng: np.random.Generator) -> None:
        draw(root, rng)
        raise RuntimeError("out of ink")

    with pytest.raises(RuntimeError, match="out of ink"):
        cached_synthetic_data(replace(COMPETITION, draw_synthetic=fail), workspace)

    assert list(workspace.cache.iterdir()) == []


def test_sample_that_cannot_be_kept_names_no_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "data").write_text("a file in the way")
    (tmp_path / ".cache").write_text("another")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    workspace = Workspace.at(tmp_path)

    with pytest.raises(DiskError) as caught:
        cached_synthetic_data(COMPETITION, workspace)

    assert f"cannot write synthetic data to {workspace.cache}: " in str(caught.value)
    assert "use a writable working folder" in str(caught.value)


def test_drawing_is_the_same_every_time(tmp_path: Path):
    draw_synthetic_data(COMPETITION, tmp_path / "a")
    draw_synthetic_data(COMPETITION, tmp_path / "b" / "c")

    texts = [(tmp_path / name / "left" / "numbers.txt").read_text() for name in ("a", "b/c")]
    assert texts[0] == texts[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_sample_is_drawn_into_an_empty_folder(tmp_path: Path):
    (tmp_path / "a").mkdir()

    draw_synthetic_data(COMPETITION, tmp_path / "a")

    assert (tmp_path / "a" / "left").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["a.txt", ".hidden"])
def test_sample_is_not_drawn_over_what_is_there(tmp_path: Path, name: str):
    (tmp_path / name).write_text("mine")

    with pytest.raises(DataError) as caught:
        draw_synthetic_data(COMPETITION, tmp_path)

    assert f"{tmp_path} is not empty: give a new folder" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_sample_is_not_drawn_over_a_file(tmp_path: Path):
    (tmp_path / "a").write_text("mine")

    with pytest.raises(DataError, match="is not empty"):
        draw_synthetic_data(COMPETITION, tmp_path / "a")

    assert (tmp_path / "a").read_text() == "mine"


def test_current_folder_can_be_named_as_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    try:
        draw_synthetic_data(COMPETITION, Path())
    except DataError:
        return

    assert (tmp_path / "here" / "left").is_dir()


def test_sample_that_another_process_draws_meanwhile_is_taken(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        cached_synthetic_data(COMPETITION, workspace)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)

    folder = cached_synthetic_data(COMPETITION, workspace)

    assert list(workspace.cache.iterdir()) == [folder]
    assert (folder / "left" / "numbers.txt").is_file()


def test_several_zips_in_a_folder_are_unpacked_together(tmp_path: Path, workspace: Workspace):
    place = tmp_path / "place"
    place.mkdir()
    mine = lay_out(tmp_path / "mine")
    for part in sorted(path for path in mine.iterdir() if path.is_dir()):
        zipped(part, place / f"{part.name}.zip")
    for part in (path for path in mine.iterdir() if path.is_file()):
        shutil.copy(part, place)

    source = locate_data(COMPETITION, workspace, place, False)

    assert {p.name for p in source.root.iterdir()} == {p.name for p in mine.iterdir()}
    assert sorted(p.name for p in place.iterdir() if p.suffix == ".zip")


def test_sample_and_data_together_are_refused(tmp_path: Path, workspace: Workspace):
    with pytest.raises(ConfigError, match="give one of them"):
        locate_data(COMPETITION, workspace, tmp_path, True)
