"""The images in a folder, whatever else stands there and however they are called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import comp
from comp.data.listing import image_files, printable_path, samples_in_folder
from comp.errors import DataError


def test_image_files_are_found_by_suffix_in_nested_folders(tmp_path: Path):
    for name in (
        "b.png",
        "a.JPG",
        "deep/down/c.tiff",
        "notes.txt",
        ".hidden.png",
        ".cache/d.png",
        "__MACOSX/e.png",
        "deep/._c.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")

    found = [path.relative_to(tmp_path).as_posix() for path in image_files(tmp_path)]

    assert found == ["a.JPG", "b.png", "deep/down/c.tiff"]


def test_a_folder_that_changes_while_it_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(b"")
    scan = os.scandir

    def without_b(folder: Path) -> list[os.DirEntry[str]]:
        entries = [entry for entry in scan(folder) if entry.name != "b.png"]
        (tmp_path / "c.png").unlink()
        return entries

    monkeypatch.setattr("comp.data.listing.os.scandir", without_b)
    assert image_files(tmp_path) == [tmp_path / "a.png"]


def test_image_files_of_a_hidden_folder_that_was_asked_for(tmp_path: Path):
    (tmp_path / ".mine").mkdir()
    (tmp_path / ".mine" / "a.png").write_bytes(b"")

    assert [path.name for path in image_files(tmp_path / ".mine")] == ["a.png"]


def test_folder_with_the_suffix_of_an_image_is_none(tmp_path: Path):
    (tmp_path / "scan.png").mkdir()
    (tmp_path / "scan.png" / "1.png").write_bytes(b"")

    assert [path.name for path in image_files(tmp_path)] == ["1.png"]


def test_loose_samples_are_named_by_their_path(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    for name in ("b.png", "deep/b.jpg", "a.v2.png"):
        (tmp_path / name).write_bytes(b"")

    found = samples_in_folder(tmp_path)

    assert [(s.id, s.image, s.target, s.group) for s in found] == [
        ("a.v2", tmp_path / "a.v2.png", None, None),
        ("b", tmp_path / "b.png", None, None),
        ("deep/b", tmp_path / "deep" / "b.jpg", None, None),
    ]


def test_loose_samples_that_differ_in_their_suffix_alone_are_refused(tmp_path: Path):
    for name in ("a.png", "b.png", "b.jpg"):
        (tmp_path / name).write_bytes(b"")

    with pytest.raises(DataError, match=r"several images have the name 'b' in .*rename one"):
        samples_in_folder(tmp_path)


@pytest.mark.parametrize("name", [None, "notes.txt", ".hidden.png"])
def test_folder_without_an_image_is_refused(tmp_path: Path, name: str | None):
    if name:
        (tmp_path / name).write_bytes(b"")

    with pytest.raises(DataError) as caught:
        samples_in_folder(tmp_path)

    message = str(caught.value)
    assert f"no image in {tmp_path}: give a folder with images (.bmp, .dcm, .dicom, " in message


WITHOUT = [f"--{a}=-dac_override,-dac_read_search" for a in ("bounding-set", "inh-caps")]
"""What keeps the superuser from reading everything, as options of setpriv."""


@pytest.mark.skipif(not shutil.which("setpriv"), reason="no setpriv, which drops privileges")
def test_an_image_that_may_not_be_looked_at_is_listed_all_the_same(tmp_path: Path) -> None:
    """In a folder that may be listed and no more; whoever reads it says why that cannot be."""
    (tmp_path / "deep/down").mkdir(parents=True)
    (tmp_path / "deep/a.png").write_bytes(b"")
    words = (
        "from pathlib import Path; from comp.data.listing import image_files; "
        "from comp.data.manifest import list_files; from comp.contract.competition import Sample; "
        "from comp.data.audit.sample_checks import check_files; here = Path('.'); "
        "found = image_files(here / 'deep', any_name=True); "
        "print(found, sorted(list_files(here)), check_files([Sample(id='a', image=found[0])], []))"
    )
    (tmp_path / "deep").chmod(0o444)
    try:
        done = subprocess.run(
            ["setpriv", *WITHOUT, sys.executable, "-c", words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(comp.__file__).parents[1])},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        (tmp_path / "deep").chmod(0o755)
    if "setpriv: " in done.stderr:
        pytest.skip("privileges cannot be dropped here")
    assert done.stdout == "[PosixPath('deep/a.png')] ['deep/a.png'] []\n", done.stderr


@pytest.fixture
def unnameable(tmp_path: Path) -> Path:
    """An image `deep/caf\\xe9.png` below the folder."""
    path = tmp_path / "deep" / os.fsdecode(b"caf\xe9.png")
    path.parent.mkdir()
    try:
        path.write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes text alone")
    return path


def test_a_name_that_is_no_text_is_refused_with_the_path_below_the_folder(
    tmp_path: Path, unnameable: Path
) -> None:
    with pytest.raises(DataError) as caught:
        image_files(tmp_path)
    assert str(caught.value) == (
        rf"the name of the image deep/caf\xe9.png in {tmp_path} is not UTF-8: rename it"
    )
    assert image_files(tmp_path, any_name=True) == [unnameable]
    assert printable_path(Path("é/a.png")) == "é/a.png"


def test_a_folder_that_cannot_be_listed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.png").write_bytes(b"")
    listed = os.scandir

    def scandir(place: object) -> object:
        if str(place).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(place))
        return listed(place)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(DataError, match=r"cannot read the folder .*closed: Permission denied"):
        image_files(tmp_path)
    assert [path.name for path in image_files(tmp_path, any_name=True)] == ["a.png"]
    assert image_files(tmp_path / "nowhere") == []
