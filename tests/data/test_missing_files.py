"""Why data lacks files: what a run says of zips that cannot be opened, and of partial downloads."""

from __future__ import annotations

from pathlib import Path

import pytest
from packed_zips import packed
from toys import toy

from comp.data.location import open_data
from comp.data.manifest import DownloadPart, Manifest
from comp.data.missing_files import can_unpack, not_downloaded, why_missing
from comp.errors import DataError
from comp.workspace import Workspace

TRAIN = {"train/1.png": b"one", "train/2.png": b"two"}
TOY = toy(layout=("train", "test"))


def part_of(folder: Path, *files: str | None) -> None:
    facts = {"name": "x", "bytes": 1, "sha256": "", "etag": "", "modified": "", "fetched": ""}
    parts = tuple(DownloadPart(file=file, **facts) for file in files)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    Manifest(reference="competitions/toy", parts=parts, files={}).write(folder)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "toy"
    (folder / "test").mkdir(parents=True)
    return folder


def message(data: Path, tmp_path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_data(TOY, data, Workspace.at(tmp_path))
    return str(caught.value)


def test_a_run_names_the_zip_that_holds_what_is_missing(data: Path, tmp_path: Path) -> None:
    (data / "train.zip").write_bytes(packed(TRAIN, 9))
    said = message(data, tmp_path)
    assert said.startswith(f"train not found: {data}/train.zip is kept as it is: 'train/1.png'")
    assert "packed by Deflate64 (method 9)" in said
    assert said.endswith(f"7z x {data}/train.zip -o{data}")
    assert not list(tmp_path.rglob("toy-*"))


def test_the_zip_of_the_name_comes_first(data: Path) -> None:
    (data / "a.zip").write_bytes(packed({"1.png": b""}, 98))
    assert "a.zip is kept" in why_missing(data, data, ["train"])
    assert f"-o{data}/a" in why_missing(data, data, ["train"])
    (data / "train.zip").write_bytes(packed(TRAIN, 93))
    assert "train.zip is kept" in why_missing(data, data, ["train"])


def test_zips_that_can_be_unpacked_or_are_damaged_are_no_reason(data: Path) -> None:
    (data / "train.zip").write_bytes(packed(TRAIN))
    (data / "other.zip").write_bytes(b"no zip")
    assert can_unpack(data / "train.zip")
    assert can_unpack(data / "other.zip")
    assert why_missing(data, data, ["train"]) == ""


def test_a_partial_download_names_the_command(data: Path, tmp_path: Path) -> None:
    part_of(data, "test.zip")
    assert message(data, tmp_path) == (
        f"train not found: {data} has only 1 downloaded file of competitions/toy; get the rest "
        "with: comp download toy --only 'train*' (or see all files: comp download toy --list)"
    )


def test_a_folder_elsewhere_is_named_in_the_command(tmp_path: Path) -> None:
    part_of(tmp_path / "mine", "test.zip")
    said = not_downloaded(tmp_path / "mine", ["deep/train.csv"])
    assert f"comp download competitions/toy --only 'train.csv*' --out {tmp_path}/mine" in said


def test_a_whole_download_and_other_folders_say_nothing(data: Path) -> None:
    assert not_downloaded(data, ["train"]) == ""
    part_of(data, "test.zip", None)
    assert not_downloaded(data, ["train"]) == ""
