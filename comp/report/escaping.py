"""Text that is safe to print."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, line separators, marks that change the direction of text, and bytes that are
not UTF-8."""


def escape_unprintable(text: str) -> str:
    """`text` with Python escapes for characters that could change the terminal or are not text."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)
