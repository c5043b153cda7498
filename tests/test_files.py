"""Files that are whole or not there."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from comp.errors import DiskError
from comp.files import (
    is_locked,
    read_json,
    replacing,
    seems_locked,
    sha256,
    take_lock,
    write_json,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_replacing_puts_the_new_file_in_place_and_leaves_nothing_else(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"

    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_replacing_writes_beside_the_file_under_a_hidden_name(tmp_path: Path):
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("x")
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".a.txt.")
        assert temporary.name.endswith(".part")


def test_replacing_makes_the_folders(tmp_path: Path):
    write_text(tmp_path / "b" / "c" / "a.txt", "x")

    assert (tmp_path / "b" / "c" / "a.txt").read_text() == "x"


def test_exception_leaves_the_old_file_and_no_temporary_one(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half_way() -> None:
        with replacing(path) as temporary:
            temporary.write_text("ne")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        half_way()

    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_exception_before_the_first_write_leaves_no_file(tmp_path: Path):
    with pytest.raises(RuntimeError), replacing(tmp_path / "a.txt"):
        raise RuntimeError

    assert names(tmp_path) == []


def test_two_writers_at_once_do_not_share_a_temporary_file(tmp_path: Path):
    path = tmp_path / "a.txt"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")

    assert path.read_text() == "first"
    assert names(tmp_path) == ["a.txt"]


def test_text_is_utf_8_with_newlines_as_given(tmp_path: Path):
    write_text(tmp_path / "a.txt", "ä\r\nb\n")

    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa4\r\nb\n"


def test_json_is_indented_readable_and_ends_with_a_newline(tmp_path: Path):
    write_json(tmp_path / "a.json", {"title": "Größe", "folds": [1, 2]})

    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text == '{\n  "title": "Größe",\n  "folds": [\n    1,\n    2\n  ]\n}\n'


def test_json_comes_back_and_what_it_does_not_know_as_text(tmp_path: Path):
    value = {"n": 1.5, "none": None, "when": date(2024, 5, 1), "where": Path("a")}
    write_json(tmp_path / "a.json", value)

    assert read_json(tmp_path / "a.json") == {
        "n": 1.5,
        "none": None,
        "when": "2024-05-01",
        "where": "a",
    }


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path: Path):
    write_json(tmp_path / "a.json", [1])

    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {(1, 2): 3})

    assert read_json(tmp_path / "a.json") == [1]
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ],
)
def test_sha256_of_known_bytes(tmp_path: Path, content: bytes, digest: str):
    (tmp_path / "a").write_bytes(content)

    assert sha256(tmp_path / "a") == digest


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EACCES, "make the folder and its files writable for you"),
        (errno.EROFS, "make the folder and its files writable for you"),
        (errno.EFBIG, "raise the limit on the size of files (ulimit -f)"),
    ],
)
def test_what_cannot_be_written_comes_with_the_remedy_for_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
):
    def refuse(_stream: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(DiskError) as caught:
        write_text(tmp_path / "x.json", "{}")
    words = f"cannot write x.json in {tmp_path}: {os.strerror(number)}; {remedy}"
    assert str(caught.value) == words
    assert not list(tmp_path.iterdir())


def test_a_lock_is_held_once(tmp_path: Path):
    path, lines = tmp_path / "x.lock", []

    assert not is_locked(path)
    with take_lock(path, 0, lines.append):
        assert is_locked(path)
        with pytest.raises(TimeoutError):
            take_lock(path, 0, lines.append)
    assert not is_locked(path)
    assert lines == []


def test_a_reader_sees_a_lock_without_taking_it(tmp_path: Path):
    path = tmp_path / "x.lock"

    assert not seems_locked(path)
    assert not path.exists()
    with take_lock(path, 0, print):
        assert seems_locked(path)
    path.chmod(0o444)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # another reader
        assert not seems_locked(path)
    assert not seems_locked(tmp_path)


@pytest.mark.usefixtures("no_locks")
def test_without_file_locks_the_work_continues_with_one_warning(tmp_path: Path):
    first, second, lines = tmp_path / "x.lock", tmp_path / "y.lock", []

    with take_lock(first, 0, lines.append), take_lock(second, 0, lines.append):
        assert is_locked(first)
        with take_lock(first, 0, lines.append):
            pass

    (line,) = lines
    assert line.startswith(f"the disk of {tmp_path} has no file locks (")
    assert not is_locked(first)


@pytest.mark.usefixtures("no_locks")
def test_without_file_locks_only_a_running_process_of_this_machine_counts(tmp_path: Path):
    path, machine = tmp_path / "x.lock", platform.node()
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()

    for text, locked in [
        (f"{machine} {os.getpid()}", True),
        (f"{machine} {done.pid}", False),
        (f"other-{machine} {os.getpid()}", False),
        (f"{machine} {9**40}", False),
        (f"{machine} x", False),
        ("", False),
    ]:
        path.write_text(text)
        assert is_locked(path) is locked, text
        assert seems_locked(path) is locked, text
