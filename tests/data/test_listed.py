"""Lists of very many samples."""

from __future__ import annotations

import gc

import pytest

from comp.data import listed
from comp.data.listed import settle, settling, uncollected


def test_the_search_for_cycles_goes_on_after_an_error() -> None:
    def fail() -> None:
        with uncollected():
            assert not gc.isenabled()
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert gc.isenabled()


def test_many_samples_are_left_out_of_the_search_until_the_block_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listed, "MANY", 10)
    gc.unfreeze()
    settle(10)
    assert not gc.get_freeze_count()  # nothing would end it
    with settling():
        settle(9)
        assert not gc.get_freeze_count()
        settle(10)
        assert gc.get_freeze_count()
    assert not gc.get_freeze_count()


def test_what_a_program_left_out_itself_stays_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "MANY", 10)
    gc.freeze()
    try:
        with settling():
            settle(10)
        assert gc.get_freeze_count()
    finally:
        gc.unfreeze()
