"""What is known of files from earlier runs."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import pytest

from comp.data.images import file_table
from comp.data.images.decode_many import file_digest
from comp.data.images.file_list import FileList, list_files
from comp.data.images.file_table import FOLDER, FileTable, are_unchanged, forget_changed


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three files that changed long ago, as far as this disk shows it."""
    monkeypatch.setattr(file_table, "SETTLED_NS", -(10**12))
    found = []
    for name in ("a", "b", "c"):
        path = tmp_path / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"content of {name}")
        found.append(str(path))
    return found


def listed(paths: list[str]) -> FileList:
    return list_files(paths, Path(paths[0]).parent)


def count_digests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are hashed from now on."""
    read: list[str] = []

    def counted(path: str) -> bytes:
        read.append(path)
        return file_digest(path)

    monkeypatch.setattr(file_table, "file_digest", counted)
    return read


def test_files_are_hashed_once(
    tmp_path: Path, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = count_digests(monkeypatch)
    first = FileTable.open(tmp_path, listed(paths)).hashed()
    first.save()
    assert sorted(read) == paths

    again = FileTable.open(tmp_path, listed(paths))

    assert again.is_known
    assert again.content == first.content
    assert sorted(read) == paths


def test_new_times_are_hashed_again_and_keep_the_content(
    tmp_path: Path, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = FileTable.open(tmp_path, listed(paths)).hashed()
    first.save()
    read = count_digests(monkeypatch)
    os.utime(paths[1], (1000, 1000))

    again = FileTable.open(tmp_path, listed(paths)).hashed()

    assert read == [paths[1]]
    assert again.content == first.content


def test_other_bytes_of_the_same_size_and_time_are_seen(tmp_path: Path, paths: list[str]) -> None:
    status = Path(paths[1]).stat()
    first = FileTable.open(tmp_path, listed(paths)).hashed()
    first.save()
    time.sleep(0.02)  # the clock of a disk ticks every few milliseconds
    Path(paths[1]).write_text("CONTENT of b")
    os.utime(paths[1], ns=(status.st_atime_ns, status.st_mtime_ns))

    again = FileTable.open(tmp_path, listed(paths)).hashed()

    assert Path(paths[1]).stat().st_size == status.st_size
    assert again.content != first.content


def test_a_file_that_just_changed_is_hashed_again(
    tmp_path: Path, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_table, "SETTLED_NS", 2_000_000_000)
    FileTable.open(tmp_path, listed(paths)).hashed().save()
    assert FileTable.open(tmp_path, listed(paths)).stale.all()


def test_a_file_that_the_disk_withheld_is_hashed_again(
    tmp_path: Path, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_table, "file_digest", lambda _path: bytes(32))
    FileTable.open(tmp_path, listed(paths)).hashed().save()
    assert FileTable.open(tmp_path, listed(paths)).stale.all()


def test_a_missing_file_is_known_to_be_missing(tmp_path: Path, paths: list[str]) -> None:
    Path(paths[0]).unlink()
    FileTable.open(tmp_path, listed(paths)).hashed().save()
    assert FileTable.open(tmp_path, listed(paths)).is_known
    Path(paths[0]).write_text("back")
    assert FileTable.open(tmp_path, listed(paths)).stale.sum() == 1


def test_a_damaged_table_is_done_without(tmp_path: Path, paths: list[str]) -> None:
    FileTable.open(tmp_path, listed(paths)).hashed().save()
    (stored,) = (tmp_path / FOLDER).glob("*.npz")
    whole = stored.read_bytes()
    for content in (b"no table", b"", whole[: len(whole) // 2], whole[:-10]):
        stored.write_bytes(content)
        table = FileTable.open(tmp_path, listed(paths))
        assert table.stale.all()
        facts = (tmp_path, table.files.key, table.hashed().content, table.files.root)
        assert are_unchanged(*facts, table.files) is False
        assert forget_changed(tmp_path, table.files, [b""] * 3) == []


def test_what_was_found_is_remembered_for_these_bytes(tmp_path: Path, paths: list[str]) -> None:
    asked: list[int] = []

    def find() -> int:
        asked.append(1)
        return len(asked)

    table = FileTable.open(tmp_path, listed(paths))
    assert (table.remembered("x", find), table.remembered("x", find)) == (1, 1)
    table.hashed().save()
    known = FileTable.open(tmp_path, listed(paths))
    assert (known.remembered("x", find), known.remembered("y", find)) == (1, 2)
    assert known.remembered("z", find, keep=lambda _: False) == 3
    assert known.remembered("z", find) == 4
    Path(paths[0]).write_text("other")
    assert FileTable.open(tmp_path, listed(paths)).hashed().remembered("x", find) == 5


def test_unchanged_files_of_a_table(tmp_path: Path, paths: list[str]) -> None:
    root = Path(paths[0]).parent
    table = FileTable.open(tmp_path, listed(paths)).hashed()
    table.save()
    facts = (tmp_path, table.files.key, table.content, root)
    assert are_unchanged(*facts, listed(paths[:2]))
    assert are_unchanged(*facts, listed([*paths, str(root / "other")]))
    assert are_unchanged(*facts[:2], "another content", root, listed(paths)) is False
    assert are_unchanged(*facts[:3], None, listed(paths)) is None
    os.utime(paths[2], (1000, 1000))
    assert are_unchanged(*facts, listed(paths[:2]))
    assert are_unchanged(*facts, listed(paths)) is False


def test_bytes_that_changed_unseen_are_found_and_the_table_is_forgotten(
    tmp_path: Path, paths: list[str]
) -> None:
    FileTable.open(tmp_path, listed(paths)).hashed().save()
    files = listed(paths)
    right = [file_digest(files.path_of(i)) for i in range(3)]
    assert forget_changed(tmp_path, files, right) == []
    assert FileTable.open(tmp_path, files).is_known

    assert forget_changed(tmp_path, files, [right[0], bytes(32), right[2]]) == [1]
    assert FileTable.open(tmp_path, files).stale.all()


def test_a_file_that_changes_after_it_was_listed_stays_stale(
    tmp_path: Path, paths: list[str]
) -> None:
    files = listed(paths)
    Path(paths[1]).write_text("longer than it was before")
    table = FileTable.open(tmp_path, files).hashed()
    assert not table.is_known
    assert table.stale.sum() == 1
    table.save()
    assert FileTable.open(tmp_path, files).stale.sum() == 1


def test_what_is_not_to_be_kept_is_found_again(tmp_path: Path, paths: list[str]) -> None:
    new = FileTable.open(tmp_path, listed(paths))
    for table in (new, new.hashed()):  # in memory, and on the disk
        answers = partial(next, iter([1, 2, 3]))
        found = [table.remembered("x", answers, lambda value: value > 1) for _ in range(3)]
        assert found == [1, 2, 2]
