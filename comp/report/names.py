"""Names of files as they can be shown."""

from __future__ import annotations

import re

_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line ends, and bytes that are no UTF-8."""


def visible(name: str) -> str:
    """A name with all that moves or colours the terminal, or is no text, written as Python does."""
    return _HIDDEN.sub(lambda found: ascii(found[0])[1:-1], name)
