"""Lists of very many samples."""

from __future__ import annotations

import gc

import pytest

from comp.data.listed import uncollected


def test_the_search_for_cycles_goes_on_after_an_error() -> None:
    def fail() -> None:
        with uncollected():
            assert not gc.isenabled()
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert gc.isenabled()
