"""The folder of an export: complete or not there, never over something else, with checksums."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from comp.errors import RunError
from comp.export.place import DESCRIPTION, MANIFEST, check_place, new_place, write_manifest


def make_export(folder: Path, text: str) -> None:
    with new_place(folder) as aside:
        (aside / DESCRIPTION).write_text(text)
        write_manifest(aside, "a-run")


def test_an_earlier_export_is_replaced_by_force_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "exports"
    check_place(folder, force=False)
    make_export(folder, "1")
    with pytest.raises(RunError, match="is an earlier export: --force replaces it"):
        check_place(folder, force=False)
    check_place(folder, force=True)
    make_export(folder, "2")
    assert (folder / DESCRIPTION).read_text() == "2"
    assert [path.name for path in folder.parent.iterdir()] == ["exports"]


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="exists and is not an export"):
        check_place(tmp_path, force=True)


def test_a_failure_leaves_the_earlier_export_and_nothing_aside(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    make_export(folder, "1")

    def fail() -> None:
        with new_place(folder) as aside:
            (aside / DESCRIPTION).write_text("half")
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        fail()
    assert (folder / DESCRIPTION).read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_the_manifest_has_the_checksum_of_every_other_file(tmp_path: Path) -> None:
    make_export(tmp_path / "export", "1")
    manifest = json.loads((tmp_path / "export" / MANIFEST).read_text())
    known = hashlib.sha256(b"1").hexdigest()
    assert manifest["files"] == {DESCRIPTION: {"bytes": 1, "sha256": known}}
    text = json.dumps(manifest["files"], sort_keys=True)
    assert manifest["id"] == hashlib.sha256(text.encode()).hexdigest()
