"""The files of a run as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from comp.data.images.file_list import list_files, name_hashes, rows_of
from comp.data.images.file_states import MISSING, file_state


def test_files_are_listed_once_with_their_states(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("b", "a", "b", "missing")]
    for path in paths[:2]:
        Path(path).write_text(path)

    files = list_files(paths, tmp_path)

    assert len(files) == 3
    assert {files.path_of(i) for i in range(3)} == set(paths)
    for i in range(3):
        assert tuple(files.states[:, i]) == file_state(files.path_of(i))
    assert file_state(paths[3]) == MISSING
    assert [Path(files.path_of(i)).name for i in files.by_path()] == ["a", "b", "missing"]


def test_names_are_relative_to_the_root(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    names = name_hashes([str(here / "a" / "1.png")], here)
    np.testing.assert_array_equal(names, name_hashes([str(there / "a" / "1.png")], there))
    assert (names != name_hashes([str(here / "a" / "1.png")], None)).all()
    assert list_files([], here).key == list_files([], there).key


def test_rows_of_names_with_equal_first_halves() -> None:
    names = np.array([[1, 5, 5, 5, 9], [0, 1, 2, 3, 0]], dtype=np.uint64)
    wanted = np.array([[5, 5, 5, 9, 4, 10], [3, 1, 9, 0, 0, 0]], dtype=np.uint64)
    assert rows_of(names, wanted).tolist() == [3, 1, -1, 4, -1, -1]
    assert rows_of(names[:, :0], wanted).tolist() == [-1] * 6
