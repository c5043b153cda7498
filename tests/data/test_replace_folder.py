"""New data in the place of old, and what is left of an exchange that was broken off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from comp.data.manifest import DownloadPart, Manifest, hash_files
from comp.data.replace_folder import (
    finish_replacement,
    merge_folder,
    refuse_conflicts,
    replace_folder,
    staging_folder,
)
from comp.errors import DataError


def lay(folder: Path, files: Mapping[str, str], part: str | None = None) -> Path:
    """A folder with files that came from Kaggle."""
    write(folder, files)
    came = DownloadPart(file=part, name="x", bytes=1, sha256="", etag="", modified="", fetched="")
    Manifest(
        reference="competitions/pages", parts=(came,), files=hash_files(folder, part, None)
    ).write(folder)
    return folder


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".manifest.json"
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "data" / "pages"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return lay(tmp_path / "data" / "new", {"train/1.png": "new", "a.csv": "new"})


def test_a_new_folder_comes_where_nothing_was(new: Path, place: Path) -> None:
    replace_folder(new, place)
    assert tree(place) == {"train/1.png": "new", "a.csv": "new"}
    assert list(place.parent.iterdir()) == [place]


def test_old_files_go_and_the_users_own_stay(new: Path, place: Path) -> None:
    lay(place, {"train/1.png": "old", "train/2.png": "old"})
    write(place, {"train/mine.txt": "mine", "notes/mine.txt": "mine"})
    replace_folder(new, place)
    own = {"train/mine.txt": "mine", "notes/mine.txt": "mine"}
    assert tree(place) == {"train/1.png": "new", "a.csv": "new", **own}
    assert list(place.parent.iterdir()) == [place]


def test_links_of_the_user_stay_and_lose_nothing(new: Path, place: Path, tmp_path: Path) -> None:
    lay(place, {"a.csv": "old"})
    write(tmp_path / "elsewhere", {"mine.txt": "mine"})
    (place / "more").symlink_to(tmp_path / "elsewhere")
    replace_folder(new, place)
    assert (place / "more").is_symlink()
    assert (place / "more" / "mine.txt").read_text() == "mine"


def test_an_exchange_broken_off_before_the_new_folder_came_is_undone(place: Path) -> None:
    lay(place.with_name(".pages.replaced"), {"a.csv": "old"})
    finish_replacement(place)
    assert tree(place) == {"a.csv": "old"}
    assert list(place.parent.iterdir()) == [place]


def test_an_exchange_broken_off_after_the_new_folder_came_is_finished(place: Path) -> None:
    old = lay(place.with_name(".pages.replaced"), {"a.csv": "old", "b.csv": "old"})
    write(old, {"mine.txt": "mine"})
    lay(place, {"a.csv": "new"})
    finish_replacement(place)
    assert tree(place) == {"a.csv": "new", "mine.txt": "mine"}
    assert list(place.parent.iterdir()) == [place]


def test_folders_that_were_left_beside_are_removed_and_no_others(place: Path) -> None:
    write(place.with_name(".pages.0a1b2c3d.part"), {"a": "left"})
    write(place.with_name(".pages.v2.0a1b2c3d.part"), {"a": "another's"})
    write(place.with_name(".others.0a1b2c3d.part"), {"a": "another's"})
    finish_replacement(place)
    assert sorted(path.name for path in place.parent.iterdir()) == [
        ".others.0a1b2c3d.part",
        ".pages.v2.0a1b2c3d.part",
    ]


def test_nothing_to_finish_where_nothing_is(place: Path) -> None:
    finish_replacement(place)
    assert not place.parent.exists()


def test_a_folder_beside_is_gone_in_the_end(place: Path) -> None:
    with staging_folder(place) as aside:
        assert aside.parent == place.parent
        write(aside, {"deep/a": "1"})
    assert list(place.parent.iterdir()) == []


def test_single_files_join_those_that_are_there(place: Path, tmp_path: Path) -> None:
    lay(place, {"a.csv": "a"}, "a.csv")
    write(place, {"mine.txt": "mine"})
    merge_folder(lay(tmp_path / "new", {"deep/b.csv": "b"}, "b.csv"), place)
    assert tree(place) == {"a.csv": "a", "deep/b.csv": "b", "mine.txt": "mine"}
    held = Manifest.read(place)
    assert held
    assert set(held.files) == {"a.csv", "deep/b.csv"}


def test_single_files_come_into_a_folder_without_a_manifest(place: Path, tmp_path: Path) -> None:
    write(place, {"mine.txt": "mine"})
    merge_folder(lay(tmp_path / "new", {"b.csv": "b"}, "b.csv"), place)
    held = Manifest.read(place)
    assert held
    assert set(held.files) == {"b.csv"}


def test_files_of_the_user_that_stand_in_the_way_are_named(new: Path, place: Path) -> None:
    lay(place, {"train/1.png": "old"})
    refuse_conflicts(new, place, force=False)
    write(place, {"a.csv": "mine, another"})
    with pytest.raises(DataError, match=r"pages/a\.csv did not come from Kaggle.* --force"):
        refuse_conflicts(new, place, force=False)
    refuse_conflicts(new, place, force=True)
    write(place, {"a.csv": "new"})
    refuse_conflicts(new, place, force=False)  # the same bytes


@pytest.mark.parametrize("name", ["train", "a.csv/b"])
def test_a_file_where_a_folder_must_be_is_named_and_the_reverse(
    new: Path, place: Path, name: str
) -> None:
    write(place, {name: "mine"})
    with pytest.raises(DataError, match="blocks a new file or folder"):
        refuse_conflicts(new, place, force=True)


def test_nothing_stands_in_the_way_where_nothing_is(new: Path, place: Path) -> None:
    refuse_conflicts(new, place, force=False)
