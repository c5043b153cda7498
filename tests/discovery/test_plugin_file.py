"""The name of a new plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.discovery.plugin_file import plugin_path
from comp.errors import CompetitionError


@pytest.mark.parametrize(
    ("written", "command"),
    [
        ("https://www.kaggle.com/c/leaves/overview", "comp new leaves --kaggle leaves"),
        ("competitions/Leaf_Rust", "comp new leaf-rust --kaggle Leaf_Rust"),
        ("kaggle.com/datasets/ada/x-rays?select=x", "comp new x-rays --kaggle ada/x-rays"),
    ],
)
def test_an_address_is_no_name_and_the_command_is_said(
    tmp_path: Path, written: str, command: str
) -> None:
    with pytest.raises(CompetitionError, match="is an address on Kaggle") as caught:
        plugin_path(written, tmp_path)
    assert str(caught.value).endswith(command)


def test_other_wrong_names_get_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(CompetitionError, match="write 'my-leaves'"):
        plugin_path("My Leaves", tmp_path)
    assert plugin_path("my-leaves", tmp_path) == tmp_path / "competitions" / "my_leaves.py"
