"""What a folder holds from Kaggle, and whether it is still so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from comp.data.manifest import (
    DownloadPart,
    KnownFile,
    Manifest,
    describe_change,
    hash_files,
    list_files,
)
from comp.files import sha256


def part(file: str | None) -> DownloadPart:
    return DownloadPart(
        file=file, name="x.zip", bytes=9, sha256="ab", etag='"e"', modified="", fetched="2026"
    )


def manifest(files: dict[str, KnownFile], *parts: str | None) -> Manifest:
    return Manifest(
        reference="competitions/pages", parts=tuple(part(file) for file in parts), files=files
    )


def known(size: int, of: str | None = None) -> KnownFile:
    return KnownFile(bytes=size, sha256="cd", part=of)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pages"
    (place / "train").mkdir(parents=True)
    (place / "train" / "1.png").write_bytes(b"one")
    (place / "a.csv").write_bytes(b"four")
    return place


def test_it_is_read_as_it_was_written(folder: Path) -> None:
    made = manifest({"a.csv": known(4)}, None, "a.csv")
    made.write(folder)
    assert Manifest.read(folder) == made
    assert (folder / ".manifest.json").is_file()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"reference": "a", "parts": [{}], "files": {}}', "null", "7"]
)
def test_what_cannot_be_read_is_none(folder: Path, text: str) -> None:
    (folder / ".manifest.json").write_text(text)
    assert Manifest.read(folder) is None


def test_a_folder_without_one_has_none(folder: Path, tmp_path: Path) -> None:
    assert Manifest.read(folder) is None
    assert Manifest.read(tmp_path / "nowhere") is None


def test_all_files_are_those_of_a_download_of_all() -> None:
    files = {"a.csv": known(4), "train/1.png": known(3)}
    whole = manifest(files, None)
    assert whole.files_of(None) == files
    assert whole.files_of("a.csv") == {"a.csv": known(4)}
    assert whole.files_of("b.csv") is None


def test_one_file_is_what_came_for_it() -> None:
    files = {"train/1.png": known(3, "train.zip"), "a.csv": known(4, "a.csv")}
    some = manifest(files, "train.zip", "a.csv")
    assert some.files_of("train.zip") == {"train/1.png": known(3, "train.zip")}
    assert some.files_of(None) is None
    assert some.files_of("b.csv") is None


def test_a_newer_part_goes_before_an_older_one() -> None:
    old = manifest(
        {"a": known(1, "x.zip"), "b": known(2, "x.zip"), "c": known(3, "y")}, "x.zip", "y"
    )
    joined = old.merged_with(manifest({"a": known(5, "x.zip")}, "x.zip"))
    assert joined.files == {"a": known(5, "x.zip"), "c": known(3, "y")}
    assert [p.file for p in joined.parts] == ["y", "x.zip"]


def test_files_of_a_folder_are_known_by_size_and_bytes(folder: Path) -> None:
    manifest({}, None).write(folder)
    told: list[tuple[int, int | None]] = []
    files = hash_files(folder, None, lambda done, total: told.append((done, total)))
    assert list(files) == ["a.csv", "train/1.png"]
    assert files["a.csv"] == KnownFile(bytes=4, sha256=sha256(folder / "a.csv"), part=None)
    assert told == [(4, 7), (7, 7)]


def test_links_are_entries_and_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.txt").write_text("mine")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    assert sorted(list_files(folder)) == ["a.csv", "link", "train/1.png"]


def remove(folder: Path) -> None:
    (folder / "train" / "1.png").unlink()


def lengthen(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"a thousand"[:5])


def corrupt(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"fuor")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove, "train/1.png is missing"),
        (lengthen, "a.csv has 5 bytes instead of 4"),
        (corrupt, "a.csv has changed"),
    ],
)
def test_a_difference_is_named(folder: Path, damage: Callable[[Path], None], words: str) -> None:
    files = hash_files(folder, None, None)
    assert describe_change(folder, files) == ""
    damage(folder)
    assert words in describe_change(folder, files)


def test_other_files_make_no_difference(folder: Path) -> None:
    files = hash_files(folder, None, None)
    (folder / "mine.txt").write_text("mine")
    told: list[int] = []
    assert describe_change(folder, files, lambda done, _total: told.append(done)) == ""
    assert told == [4, 7]
