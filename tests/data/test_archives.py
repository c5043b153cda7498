"""Archives: zips within zips, and zips that must not be unpacked."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import threading
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comp.data import archives
from comp.data.archives import (
    DamagedError,
    UnpackLimit,
    unpack,
    unpack_folder,
    unpack_inside,
    unpack_into,
)
from comp.errors import DataError, DiskError


def zip_bytes(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members.items():
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(info, content)
    return stream.getvalue()


def make_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    path.write_bytes(zip_bytes(members))
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(archive: Path, cache: Path) -> str:
    """The message of the refusal, which must leave nothing behind."""
    with pytest.raises(DataError) as caught:
        unpack(archive, cache)
    assert not cache.exists() or list(cache.iterdir()) == []
    return str(caught.value)


def test_plain_zip(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"a.csv": b"1", "train/": b"", "train/1.png": b"two"})

    folder = unpack(archive, tmp_path / "cache")

    assert tree(folder) == {"a.csv": b"1", "train/1.png": b"two"}
    assert folder.parent == tmp_path / "cache"
    assert folder.name.startswith("data-")
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


def test_empty_zip_gives_an_empty_folder(tmp_path: Path):
    folder = unpack(make_zip(tmp_path / "data.zip", {}), tmp_path / "cache")

    assert list(folder.iterdir()) == []


def test_zips_inside_are_unpacked_and_removed(tmp_path: Path):
    archive = make_zip(
        tmp_path / "data.zip",
        {
            "train.zip": zip_bytes({"train/1.png": b"1", "train/2.png": b"2"}),
            "test.zip": zip_bytes({"test/1.png": b"3"}),
            "sampleSubmission.csv.zip": zip_bytes({"sampleSubmission.csv": b"id\n"}),
            "readme.txt": b"r",
        },
    )

    assert tree(unpack(archive, tmp_path / "cache")) == {
        "train/1.png": b"1",
        "train/2.png": b"2",
        "test/1.png": b"3",
        "sampleSubmission.csv": b"id\n",
        "readme.txt": b"r",
    }


def test_zip_inside_joins_a_folder_that_stands_there(tmp_path: Path):
    archive = make_zip(
        tmp_path / "data.zip",
        {"train/1.png": b"1", "train.zip": zip_bytes({"train/2.png": b"2"})},
    )

    assert tree(unpack(archive, tmp_path / "cache")) == {"train/1.png": b"1", "train/2.png": b"2"}


def test_zip_inside_a_folder_is_unpacked_there(tmp_path: Path):
    inner = zip_bytes({"train/1.png": b"1"})
    archive = make_zip(tmp_path / "data.zip", {"deep/down/train.zip": inner})

    assert tree(unpack(archive, tmp_path / "cache")) == {"deep/down/train/1.png": b"1"}


def test_loose_members_of_zips_inside_go_to_folders_of_the_zips_names(tmp_path: Path):
    archive = make_zip(
        tmp_path / "data.zip",
        {"train.zip": zip_bytes({"1.png": b"1"}), "test.zip": zip_bytes({"1.png": b"2"})},
    )

    assert tree(unpack(archive, tmp_path / "cache")) == {"train/1.png": b"1", "test/1.png": b"2"}


def test_file_that_a_zip_inside_would_overwrite_is_refused(tmp_path: Path):
    archive = make_zip(
        tmp_path / "data.zip",
        {"train/1.png": b"1", "train.zip": zip_bytes({"train/1.png": b"2"})},
    )

    message = refused(archive, tmp_path / "cache")

    assert "data.zip/train.zip contains '1.png', which already exists" in message


def nested(depth: int) -> bytes:
    content = zip_bytes({"x.txt": b"x"})
    for level in range(depth):
        content = zip_bytes({f"level{level}.zip": content})
    return content


def test_four_zips_within_each_other_are_unpacked(tmp_path: Path):
    (tmp_path / "data.zip").write_bytes(nested(3))

    names = [Path(name).name for name in tree(unpack(tmp_path / "data.zip", tmp_path / "cache"))]

    assert names == ["x.txt"]


def test_five_zips_within_each_other_are_refused(tmp_path: Path):
    (tmp_path / "data.zip").write_bytes(nested(4))

    assert "nested more than 4 deep" in refused(tmp_path / "data.zip", tmp_path / "cache")


def test_rubbish_of_other_machines_is_dropped(tmp_path: Path):
    members = {
        "__MACOSX/._1.png": b"m",
        "__MACOSX/train/._1.png": b"m",
        ".DS_Store": b"d",
        "train/.DS_Store": b"d",
        "train/1.png": b"1",
    }
    archive = make_zip(
        tmp_path / "data.zip", {**members, "b.zip": zip_bytes({".DS_Store": b"d", "b/2": b"2"})}
    )

    assert tree(unpack(archive, tmp_path / "cache")) == {"train/1.png": b"1", "b/2": b"2"}


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 and then nothing"])
def test_file_that_is_no_zip_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "data.zip").write_bytes(content)

    message = refused(tmp_path / "data.zip", tmp_path / "cache")

    assert "data.zip is not a zip archive, or is truncated: fetch it again" in message


def test_missing_file_is_named(tmp_path: Path):
    message = refused(tmp_path / "data.zip", tmp_path / "cache")

    assert "cannot read data.zip: No such file" in message


@given(share=st.floats(0.0, 0.999))
@settings(max_examples=20, deadline=None)
def test_zip_cut_anywhere_is_refused(tmp_path_factory: pytest.TempPathFactory, share: float):
    folder = tmp_path_factory.mktemp("cut")
    content = zip_bytes({"a": os.urandom(300), "b/c": b"2" * 300})
    (folder / "data.zip").write_bytes(content[: int(len(content) * share)])

    assert "truncated" in refused(folder / "data.zip", folder / "cache")


@pytest.mark.parametrize("inner", [{"1.png": b"1"}, {}], ids=["member", "empty"])
def test_cut_zip_is_not_taken_for_the_last_zip_inside(tmp_path: Path, inner: dict[str, bytes]):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as zipped:
        zipped.writestr("train.zip", zip_bytes({"2.png": b"2"}))
        zipped.writestr("test.zip", zip_bytes(inner))
    content = (tmp_path / "data.zip").read_bytes()
    (tmp_path / "data.zip").write_bytes(content[:-40])
    assert zipfile.ZipFile(tmp_path / "data.zip").namelist() == list(inner)

    assert "truncated" in refused(tmp_path / "data.zip", tmp_path / "cache")


def test_damaged_member_is_named(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as zipped:
        zipped.writestr("good.txt", b"good")
        zipped.writestr("bad.txt", b"these bytes will change")
    content = (tmp_path / "data.zip").read_bytes()
    (tmp_path / "data.zip").write_bytes(content.replace(b"will change", b"have change"))

    message = refused(tmp_path / "data.zip", tmp_path / "cache")

    assert "data.zip is damaged at 'bad.txt': fetch it again" in message


def test_damaged_deflated_member_is_named(tmp_path: Path):
    content = bytearray(zip_bytes({"bad.txt": bytes(range(256)) * 8}))
    begin = 30 + len("bad.txt")
    content[begin : begin + 40] = b"\xff" * 40
    (tmp_path / "data.zip").write_bytes(content)

    assert "damaged at 'bad.txt'" in refused(tmp_path / "data.zip", tmp_path / "cache")


def test_damaged_zip_inside_is_named_with_the_outer_one(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"a/train.zip": b"not a zip"})

    message = refused(archive, tmp_path / "cache")

    assert "data.zip/a/train.zip is not a zip archive" in message


@pytest.mark.parametrize(
    "name",
    [
        "/etc/evil",
        "../evil",
        "train/../../evil",
        "..",
        "..\\evil",
        "\\evil",
        "C:\\evil",
        "C:evil",
        "",
        pytest.param("//server/evil"),
        pytest.param("\\\\server\\share\\evil"),
    ],
)
def test_member_that_points_outside_is_refused(tmp_path: Path, name: str):
    archive = make_zip(tmp_path / "data.zip", {"fine.txt": b"1", name: b"evil"})

    message = refused(archive, tmp_path / "cache")

    assert f"data.zip contains '{name}', which points outside" in message
    assert not list(tmp_path.rglob("*evil*"))


def test_member_that_points_outside_is_refused_in_zips_inside(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"in.zip": zip_bytes({"../../evil": b"evil"})})

    message = refused(archive, tmp_path / "cache")

    assert "data.zip/in.zip contains '../../evil', which points outside" in message
    assert not list(tmp_path.rglob("evil"))


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b", "C:", "\\", "~"]), min_size=1))
@settings(max_examples=60, deadline=None)
def test_no_name_writes_outside_the_cache(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
):
    folder = tmp_path_factory.mktemp("names")
    archive = make_zip(folder / "data.zip", {"/".join(parts): b"x"})

    with suppress(DataError, OSError):
        unpack(archive, folder / "deep" / "cache")

    outside = [p for p in folder.rglob("*") if p.is_file() and "cache" not in p.parts]
    assert outside == [archive]


def test_symbolic_link_is_refused(tmp_path: Path):
    link = zipfile.ZipInfo("link")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as zipped:
        zipped.writestr(link, "/etc")

    assert "'link', which points outside" in refused(tmp_path / "data.zip", tmp_path / "cache")


@pytest.mark.parametrize(
    "kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK], ids=stat.filemode
)
def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path, kind: int):
    device = zipfile.ZipInfo("tty")
    device.create_system = 3
    device.external_attr = (kind | 0o666) << 16
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as zipped:
        zipped.writestr(device, b"")

    message = refused(tmp_path / "data.zip", tmp_path / "cache")

    assert "'tty', which is not a file or folder" in message


def test_symbolic_link_to_write_through_is_refused(tmp_path: Path):
    link = zipfile.ZipInfo("train")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as zipped:
        zipped.writestr(link, str(tmp_path / "victim"))
        zipped.writestr("train/evil", b"evil")
    (tmp_path / "victim").mkdir()

    refused(tmp_path / "data.zip", tmp_path / "cache")

    assert list((tmp_path / "victim").iterdir()) == []


def test_member_that_is_there_twice_is_refused(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"a": b"1"})
    twice = pytest.warns(UserWarning, match="Duplicate name")
    with zipfile.ZipFile(archive, "a") as zipped, twice:
        zipped.writestr("a", b"2")

    assert "'a' and 'a', which are the same file" in refused(archive, tmp_path / "cache")


SPELLINGS = [unicodedata.normalize(form, "\u00e9.png") for form in ("NFC", "NFD")]
ALIKE = [("train/A.png", "train/a.png"), ("Train/a.png", "train/A.PNG"), tuple(SPELLINGS)]


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_members_that_are_one_file_on_some_machines_are_refused_there(
    tmp_path: Path, first: str, second: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("comp.data.archive_members._distinguishes_names", lambda _folder: False)
    archive = make_zip(tmp_path / "data.zip", {first: b"1", second: b"2"})

    message = refused(archive, tmp_path / "cache")

    assert f"'{first}' and '{second}', which are the same file on some machines" in message


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_members_that_differ_in_capitals_are_unpacked(tmp_path: Path, first: str, second: str):
    """HAM10000 has HAM10000_images_part_1/ and ham10000_images_part_1/: it was refused."""
    archive = make_zip(tmp_path / "data.zip", {first: b"1", second: b"2"})

    assert tree(unpack(archive, tmp_path / "cache")) == {first: b"1", second: b"2"}


def test_two_paths_of_one_file_are_refused(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"a": b"1", "./a": b"2"})

    assert "'a' and './a', which are the same file" in refused(archive, tmp_path / "cache")


def test_folders_that_differ_in_case_may_share_a_zip(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"Train/a.png": b"1", "train/b.png": b"2"})

    assert sorted(tree(unpack(archive, tmp_path / "cache")).values()) == [b"1", b"2"]


@pytest.mark.parametrize(
    "names", [("a", "a/b"), ("a/b", "a"), ("a", "a/"), ("x/a", "x/a/b/c")], ids=str
)
def test_member_that_is_a_file_and_a_folder_is_refused(tmp_path: Path, names: tuple[str, str]):
    archive = make_zip(tmp_path / "data.zip", dict.fromkeys(names, b""))

    message = refused(archive, tmp_path / "cache")

    assert "data.zip contains" in message
    assert "as a file, and as a folder" in message


def test_zip_inside_whose_folder_is_a_file_is_refused(tmp_path: Path):
    inner = zip_bytes({"1.png": b"1", "2.png": b"2"})
    archive = make_zip(tmp_path / "data.zip", {"train": b"file", "train.zip": inner})

    message = refused(archive, tmp_path / "cache")

    assert "data.zip/train.zip needs a folder train, but a file with this name exists" in message


def test_folder_named_like_a_zip_is_a_folder(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"train.zip/1.png": b"1"})

    assert tree(unpack(archive, tmp_path / "cache")) == {"train.zip/1.png": b"1"}


def test_backslashes_of_windows_tools_are_folders(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"train\\1.png": b"1", "test\\2.png": b"2"})

    assert tree(unpack(archive, tmp_path / "cache")) == {"train/1.png": b"1", "test/2.png": b"2"}


def test_folder_that_a_zip_calls_a_dot_is_harmless(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"./": b"", "./train/1.png": b"1"})

    assert tree(unpack(archive, tmp_path / "cache")) == {"train/1.png": b"1"}


def test_bomb_is_refused_before_anything_is_written(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as zipped:
        for number in range(10):
            zipped.writestr(f"{number}.bin", b"small")
        for member in zipped.infolist():
            member.file_size = 10**9

    message = refused(tmp_path / "data.zip", tmp_path / "cache")

    assert "data.zip would grow to 10.0 GB, which looks like a zip bomb: not unpacked" in message


def bomb(path: Path) -> Path:
    """A zip of about 10 kB with a zip in it, whose one member is 10 GB of zeros, really."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = block * 1000 + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as zipped:
        zipped.writestr("zeros.bin", stream)
        member = zipped.infolist()[0]
        member.compress_type, member.file_size = zipfile.ZIP_DEFLATED, 10**10
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        zipped.writestr("train.zip", inner.getvalue())
    return path


def test_ten_gigabytes_in_ten_kilobytes_are_refused(tmp_path: Path):
    archive = bomb(tmp_path / "data.zip")
    assert archive.stat().st_size < 40_000
    with zipfile.ZipFile(archive) as zipped, zipfile.ZipFile(zipped.open("train.zip")) as inner:
        assert inner.open("zeros.bin").read(50_000_000) == bytes(50_000_000)  # it does grow

    message = refused(archive, tmp_path / "cache")

    assert (
        "data.zip/train.zip would grow to 10.0 GB, which looks like a zip bomb: not unpacked"
        in message
    )


def test_zips_inside_that_grow_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(archives, "_SMALL", 1_000_000)
    zeros = zip_bytes({"zeros.bin": bytes(300_000)})
    pair = zip_bytes({"left.zip": zeros, "right.zip": zeros})
    archive = make_zip(tmp_path / "data.zip", {"a.zip": pair, "b.zip": pair})

    message = refused(archive, tmp_path / "cache")

    assert (
        "data.zip/b.zip/right.zip would grow to 0.0 GB, which looks like a zip bomb: not unpacked"
        in message
    )


def test_what_is_written_is_counted_whatever_was_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archives, "_SMALL", 1_000)
    told: list[int] = []
    growth = UnpackLimit(packed=10, on_bytes=told.append)
    growth.check("data.zip", 2_000)  # 200 times 10
    growth.add("data.zip", 1_500)

    with pytest.raises(DataError, match=r"data\.zip would grow"):
        growth.add("data.zip", 501)

    assert (told, growth.written) == ([1_500], 1_500)


def liar(path: Path, size: int, crc: int | None = None) -> Path:
    """A zip whose table of contents says that a megabyte of zeros has `size` bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a.bin", bytes(1_000_000))
        member = zipped.infolist()[0]
        member.file_size, member.CRC = size, member.CRC if crc is None else crc
    return path


def test_member_larger_than_it_says_is_refused(tmp_path: Path):
    assert "damaged at 'a.bin'" in refused(liar(tmp_path / "data.zip", 10), tmp_path / "cache")


def test_member_never_grows_beyond_what_it_says(tmp_path: Path):
    archive = liar(tmp_path / "data.zip", 10, zlib.crc32(bytes(10)))

    assert tree(unpack(archive, tmp_path / "cache")) == {"a.bin": bytes(10)}


def test_zip_that_does_not_fit_on_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    archive = make_zip(tmp_path / "data.zip", {"a.bin": bytes(2_000)})
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Disk", (), {"free": 1_999})())

    assert "make room" in refused(archive, tmp_path / "cache")


def test_damage_is_told_from_what_must_not_be_unpacked(tmp_path: Path):
    (tmp_path / "cut.zip").write_bytes(zip_bytes({"a": b"1"})[:-5])
    evil = make_zip(tmp_path / "evil.zip", {"../a": b"1"})

    with pytest.raises(DamagedError):
        unpack(tmp_path / "cut.zip", tmp_path / "cache")
    with pytest.raises(DataError) as caught:
        unpack(evil, tmp_path / "cache")

    assert not isinstance(caught.value, DamagedError)


def test_unpacking_into_a_folder_tells_how_far_it_is(tmp_path: Path):
    archive = make_zip(tmp_path / "bytes", {"train.zip": zip_bytes({"train/1.png": b"12345"})})
    told: list[int] = []
    (tmp_path / "new").mkdir()

    unpack_into(archive, tmp_path / "new", "data.zip", told.append)

    assert tree(tmp_path / "new") == {"train/1.png": b"12345"}
    with zipfile.ZipFile(archive) as zipped:
        size = zipped.getinfo("train.zip").file_size
    assert told == [size, size + 5]


def test_zips_in_a_folder_give_way_to_what_they_hold(tmp_path: Path):
    folder = tmp_path / "new"
    folder.mkdir()
    make_zip(folder / "train.csv.zip", {"train.csv": b"id\n"})
    (folder / "readme.txt").write_bytes(b"r")

    unpack_inside(folder, "pages")

    assert tree(folder) == {"train.csv": b"id\n", "readme.txt": b"r"}


def test_zip_with_a_password_is_refused(tmp_path: Path):
    content = bytearray(zip_bytes({"a.txt": b"secret"}))
    central = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[central + 8] |= 1
    (tmp_path / "data.zip").write_bytes(content)

    assert "'a.txt'" in refused(tmp_path / "data.zip", tmp_path / "cache")


def test_cache_that_cannot_be_written_is_named(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"a.csv": b"1"})
    (tmp_path / "cache").write_text("a file in the way")

    for unpacking in (unpack, lambda _archive, cache: unpack_folder(tmp_path, cache)):
        with pytest.raises(DiskError, match=r"cannot unpack .* into .*cache: .*; make room there"):
            unpacking(archive, tmp_path / "cache")


def test_second_call_does_not_unpack_again(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"a.txt": b"1"})
    folder = unpack(archive, tmp_path / "cache")
    (folder / "a.txt").write_bytes(b"touched")

    assert unpack(archive, tmp_path / "cache") == folder
    assert (folder / "a.txt").read_bytes() == b"touched"


def test_other_contents_under_the_same_name_are_unpacked_elsewhere(tmp_path: Path):
    first = unpack(make_zip(tmp_path / "data.zip", {"a.txt": b"1"}), tmp_path / "cache")
    second = unpack(make_zip(tmp_path / "data.zip", {"a.txt": b"2"}), tmp_path / "cache")

    assert first != second
    assert tree(first) == {"a.txt": b"1"}
    assert tree(second) == {"a.txt": b"2"}


def test_same_contents_fetched_again_are_not_unpacked_again(tmp_path: Path):
    (tmp_path / "again").mkdir()
    first = make_zip(tmp_path / "data.zip", {"a.txt": b"1"})
    again = make_zip(tmp_path / "again" / "data.zip", {"a.txt": b"1"})

    assert unpack(first, tmp_path / "cache") == unpack(again, tmp_path / "cache")


def test_archive_itself_is_left_alone(tmp_path: Path):
    archive = make_zip(tmp_path / "data.zip", {"train.zip": zip_bytes({"train/1": b"1"})})
    before = archive.read_bytes()

    unpack(archive, tmp_path / "cache")

    assert archive.read_bytes() == before


def test_failed_unpacking_leaves_earlier_ones_alone(tmp_path: Path):
    good = unpack(make_zip(tmp_path / "good.zip", {"a.txt": b"1"}), tmp_path / "cache")
    bad = make_zip(tmp_path / "bad.zip", {"b.txt": b"1", "in.zip": b"no zip"})

    with pytest.raises(DataError):
        unpack(bad, tmp_path / "cache")

    assert list((tmp_path / "cache").iterdir()) == [good]
    assert tree(good) == {"a.txt": b"1"}


def test_folder_that_another_process_finishes_meanwhile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    archive = make_zip(tmp_path / "data.zip", {"a.txt": b"1"})
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        unpack(archive, tmp_path / "cache")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)

    folder = unpack(archive, tmp_path / "cache")

    assert list((tmp_path / "cache").iterdir()) == [folder]
    assert tree(folder) == {"a.txt": b"1"}


def test_threads_that_unpack_at_once_share_one_folder(tmp_path: Path):
    members = {f"train/{n}.png": bytes([n]) * 50 for n in range(40)}
    archive = make_zip(tmp_path / "data.zip", members)
    barrier, folders, faults = threading.Barrier(2), [], []

    def work():
        barrier.wait()
        try:
            folders.append(unpack(archive, tmp_path / "cache"))
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert folders[0] == folders[1]
    assert list((tmp_path / "cache").iterdir()) == [folders[0]]
    assert tree(folders[0]) == members


def test_processes_that_unpack_at_once_share_one_folder(tmp_path: Path):
    members = {f"train/{n}.png": bytes([n]) * 50 for n in range(40)}
    archive = make_zip(tmp_path / "data.zip", members)
    code = (
        "import sys; from pathlib import Path; from comp.data.archives import unpack\n"
        "sys.stdin.readline(); print(unpack(Path(sys.argv[1]), Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", code, str(archive), str(tmp_path / "cache")]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    outputs = [worker.communicate(timeout=600)[0].strip() for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0]
    assert outputs[0] == outputs[1]
    assert [str(path) for path in (tmp_path / "cache").iterdir()] == [outputs[0]]
    assert tree(Path(outputs[0])) == members
