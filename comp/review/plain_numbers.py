"""Numbers of any size as short text."""

from __future__ import annotations

import math


def plain(value: float) -> str:
    """A number in about five digits, without an exponent if it is of usual size."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.5g}"


def decimals_of(value: float) -> int:
    """Decimals that show about five digits of values of this size, at most 4."""
    if not math.isfinite(value) or not value:
        return 4
    return min(4, max(0, 4 - math.floor(math.log10(abs(value)))))
