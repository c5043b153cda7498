"""Files with the same bytes, found without reading all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.data.audit import same_bytes
from comp.data.audit.same_bytes import inspect_bytes


def test_equal_files_have_equal_digests_and_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_bytes, "HEAD", 4)
    contents = [b"abcdef", b"abcdef", b"xbcdef", b"abcdeg", b"ab", b"ab", b"abc", b""]
    paths = [tmp_path / f"{i}.png" for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    told: list[tuple[int, int]] = []
    inspections = inspect_bytes(
        [*paths, tmp_path / "gone.png"], lambda done, total: told.append((done, total))
    )
    digests = [inspection.digest for inspection in inspections]
    assert digests[0] == digests[1]
    assert digests[4] == digests[5]
    assert digests[7:] == ["", ""]
    assert len(set(digests)) == 6
    assert {inspection.kinds for inspection in inspections} == {()}
    assert told[-1] == (9, 9)


def test_a_file_of_another_size_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All files were hashed: 17,000 of them took half a minute."""
    read: list[str] = []
    real = same_bytes._hash
    monkeypatch.setattr(
        same_bytes, "_hash", lambda path, count: read.append(path.name) or real(path, count)
    )
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for i, path in enumerate(paths):
        path.write_bytes(b"a" * (1 + min(i, 3)))
    assert [i.digest for i in inspect_bytes(paths)][:3] == ["1", "2", "3"]
    assert set(read) == {"3.png", "4.png"}
