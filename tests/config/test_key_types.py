"""What single keys accept."""

from __future__ import annotations

from typing import Any

import pytest

from comp.config.schema import resolve
from comp.errors import ConfigError


@pytest.mark.parametrize("value", ["yes", None, 0, -1, float("nan"), float("inf")])
def test_a_wrong_full_is_one_fault(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^1 fault .* full = .*: write true, false, or a number"):
        resolve("toy", [{"full": value}])


@pytest.mark.parametrize("value", [True, False, 2, 0.5])
def test_full_is_a_switch_or_a_weight(value: Any) -> None:
    assert resolve("toy", [{"full": value}]).full == value
