from __future__ import annotations

import pytest

from comp.bundle.parts.kinds import of_kind
from comp.errors import DataError


def test_the_function_of_a_kind() -> None:
    assert of_kind({"a": 1, "b": 2}, "b", "network") == 2


def test_a_kind_that_is_not_there() -> None:
    with pytest.raises(DataError, match=r"names the network 'c', .* \(it has: a, b\)"):
        of_kind({"a": 1, "b": 2}, "c", "network")
    with pytest.raises(DataError, match=r"\(it has: none\)"):
        of_kind({}, "c", "network")
