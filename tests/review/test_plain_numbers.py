"""Numbers of any size as short text."""

from __future__ import annotations

import pytest

from comp.review.plain_numbers import decimals_of, plain


@pytest.mark.parametrize(
    ("value", "text"), [(0.123456, "0.12346"), (12345.6, "12,346"), (1e15, "1e+15"), (-3.0, "-3")]
)
def test_numbers_are_short_without_needless_exponents(value: float, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("value", "decimals"),
    [(0.0012, 4), (0.95, 4), (12.0, 3), (950.0, 2), (64143.5, 0), (0.0, 4), (float("nan"), 4)],
)
def test_large_numbers_have_few_decimals(value: float, decimals: int) -> None:
    assert decimals_of(value) == decimals
