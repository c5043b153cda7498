"""Size and times of files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from comp.data.images import file_states as module
from comp.data.images.file_states import MISSING, asked_once, file_state, file_states


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """A file, no file, a folder, and a name that no file can have."""
    (tmp_path / "a").write_text("one")
    return [*(str(tmp_path / name) for name in ("a", "missing")), str(tmp_path), "\0"]


def test_a_time_that_was_set_back_changes_the_state(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    os.utime(path, (1000, 1000))
    before = file_state(str(path))
    path.write_text("two")
    os.utime(path, (1000, 1000))
    after = file_state(str(path))
    assert before[:2] == after[:2]
    assert before != after


def test_what_is_no_file_has_no_state(paths: list[str]) -> None:
    states = file_states(paths).states
    assert tuple(states[:, 0]) == file_state(paths[0]) != MISSING
    assert states[0].tolist() == [3, 0, 0, 0]
    np.testing.assert_array_equal(states[:, 1:], 0)
    assert file_states([]).states.shape == (3, 0)


def test_a_change_is_seen_at_once_outside_of_the_block(paths: list[str]) -> None:
    before = file_states(paths).states
    Path(paths[0]).write_text("longer")
    assert file_states(paths).states[0, 0] == 6
    assert before[0, 0] == 3


def test_in_the_block_the_same_files_are_asked_about_once(
    paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with asked_once():
        before = file_states(paths)
        Path(paths[0]).write_text("longer")
        assert file_states(list(paths)) is before
        with pytest.raises(ValueError, match="read-only"):
            before.states[0, 0] = 1
        assert file_states(paths[:1]).states.tolist() == [[i] for i in file_state(paths[0])]
        later = file_states(paths)  # the last list is kept, not each
        assert later.states[0, 0] == 6
        assert later.taken_ns > before.taken_ns
        Path(paths[0]).write_text("")
        monkeypatch.setattr(module, "FRESH_S", -1.0)
        assert file_states(paths).states[0, 0] == 0


def test_other_files_in_the_same_number_are_other_files(paths: list[str]) -> None:
    with asked_once():
        forward = file_states(paths).states
        backward = file_states(paths[::-1]).states
    np.testing.assert_array_equal(forward, backward[:, ::-1])
