"""The hook of a plugin for bundles."""

from __future__ import annotations

import dataclasses

import pytest
from toys import toy

from comp.config.schema import RunConfig
from comp.contract.portable import Portable


def test_nothing_is_needed_and_nothing_can_be_changed() -> None:
    portable = Portable()
    assert portable.settings(RunConfig(competition="toy")) == {}
    assert (portable.network, portable.reader, portable.rows) == (None, None, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        portable.rows = {}  # type: ignore[misc]


def test_a_competition_has_none_unless_it_says_so() -> None:
    assert toy().portable is None
    assert toy(portable=Portable(rows={"kind": "pixels"})).portable.rows == {"kind": "pixels"}  # type: ignore[union-attr]
