"""Zips that Python cannot open though they are whole: they are kept, and the method is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from packed_zips import packed

from comp.data.archive_methods import UnreadableError
from comp.data.archives import DamagedError, unpack, unpack_folder, unpack_inside, unpack_into

TRAIN = {"train/1.png": b"one", "train/2.png": b"two", "train/3.png": b"three"}
CASES = [
    pytest.param(9, 0, "packed by Deflate64 (method 9)", id="Deflate64"),
    pytest.param(93, 0, "packed by Zstandard (method 93)", id="zstd"),
    pytest.param(98, 0, "packed by PPMd (method 98)", id="PPMd"),
    pytest.param(77, 0, "packed by method 77", id="unknown"),
    pytest.param(99, 1, "encrypted with AES, which needs a password", id="AES"),
    pytest.param(8, 1, "encrypted, which needs a password", id="password"),
    pytest.param(8, 0x41, "encrypted", id="strong"),
]


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(autouse=True)
def _no_later_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14 reads Zstandard."""
    if sys.version_info >= (3, 14):
        monkeypatch.setattr("comp.data.archive_methods._can_read", {0, 8, 12, 14}.__contains__)


@pytest.mark.parametrize(("method", "flags", "words"), CASES)
def test_a_nested_zip_is_kept_and_the_rest_is_unpacked(
    tmp_path: Path, method: int, flags: int, words: str
) -> None:
    inner = packed(TRAIN, method, flags)
    (tmp_path / "data.zip").write_bytes(
        packed({"deep/train.zip": inner, "test.zip": packed({"test/9.png": b"9"}), "a.csv": b"a"})
    )
    folder = tmp_path / "data"
    folder.mkdir()
    (kept,) = unpack_into(tmp_path / "data.zip", folder, "data.zip")
    assert tree(folder) == {"deep/train.zip": inner, "test/9.png": b"9", "a.csv": b"a"}
    assert (kept.path, kept.folder) == ("deep/train.zip", "deep")
    sentence = kept.sentence(folder)
    assert sentence.startswith(f"{folder}/deep/train.zip is kept as it is: ")
    assert f"'train/1.png' and 2 others {words}" in sentence
    assert sentence.endswith(f"unpack it with 7-Zip: 7z x {folder}/deep/train.zip -o{folder}/deep")


def test_one_member_that_cannot_be_read_is_enough(tmp_path: Path) -> None:
    both = bytearray(packed(TRAIN))
    central = both.rindex(b"PK\x01\x02")
    both[central + 10 : central + 12] = (9).to_bytes(2, "little")
    (tmp_path / "train.zip").write_bytes(both)
    (kept,) = unpack_inside(tmp_path, "data")
    assert "'train/3.png' packed by Deflate64" in kept.reason
    assert (tmp_path / "train.zip").read_bytes() == both
    assert [path.name for path in tmp_path.iterdir()] == ["train.zip"]


def test_paths_of_zips_within_zips_are_those_of_the_outermost_folder(tmp_path: Path) -> None:
    loose = packed({"1.png": b"1", "2.png": b"2"}, 93)
    (tmp_path / "part.zip").write_bytes(packed({"images.zip": loose, "x/b.csv": b"b"}))
    (kept,) = unpack_inside(tmp_path, "data")
    assert (kept.path, kept.folder) == ("part/images.zip", "part/images")
    assert (tmp_path / kept.path).read_bytes() == loose


def test_the_zip_itself_is_refused_and_the_program_named(tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(packed(TRAIN, 9))
    with pytest.raises(UnreadableError) as caught:
        unpack(tmp_path / "data.zip", tmp_path / "cache")
    assert not isinstance(caught.value, DamagedError)
    assert "data.zip cannot be unpacked: 'train/1.png' and 2 others packed by Deflate64" in str(
        caught.value
    )
    assert "7z x" in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_last_part_of_several_is_kept(tmp_path: Path) -> None:
    whole = packed(TRAIN)
    (tmp_path / "train.z01").write_bytes(whole[:50])
    (tmp_path / "train.zip").write_bytes(whole[50:])
    (kept,) = unpack_inside(tmp_path, "data")
    assert "it is the last part of several, which begin with train.z01" in kept.reason
    assert (tmp_path / "train.zip").read_bytes() == whole[50:]


def test_a_folder_of_zips_says_on_stderr_what_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "train.zip").write_bytes(packed(TRAIN, 9))
    (data / "test.zip").write_bytes(packed({"test/9.png": b"9"}))
    folder = unpack_folder(data, tmp_path / "cache")
    assert set(tree(folder)) == {"train.zip", "test/9.png"}
    assert "train.zip is kept as it is" in capsys.readouterr().err
