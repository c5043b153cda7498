"""The manifest knows every file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from comp.bundle.manifest import check_manifest, read_manifest, write_manifest
from comp.errors import RunError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two files and its manifest."""
    (tmp_path / "weights").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "weights" / "b.bin").write_bytes(b"bb")
    write_manifest(tmp_path, "run-1")
    return tmp_path


def test_files_sizes_hashes_and_an_id(folder: Path) -> None:
    manifest = check_manifest(folder)
    assert {name: entry["bytes"] for name, entry in manifest["files"].items()} == {
        "a.txt": 1,
        "weights/b.bin": 2,
    }
    assert manifest["run"] == "run-1"
    assert re.fullmatch("[0-9a-f]{64}", manifest["id"])
    (folder / "rehearsal.json").write_text("{}")
    assert write_manifest(folder, "run-1")["id"] == manifest["id"]
    (folder / "a.txt").write_text("b")
    assert write_manifest(folder, "run-1")["id"] != manifest["id"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", "c", "was changed"),
        ("a.txt", None, "is missing"),
        ("new.txt", "c", "does not belong"),
        ("manifest.json", "{", "not a bundle"),
    ],
)
def test_another_file_is_named(folder: Path, name: str, text: str | None, words: str) -> None:
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    with pytest.raises(RunError, match=words):
        check_manifest(folder)


def test_a_manifest_that_was_edited_is_none(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"bytes": 1', '"bytes": 7'))
    assert read_manifest(folder) is None
    assert read_manifest(folder / "weights") is None
