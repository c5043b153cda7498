"""Which numbers seem to depend on the place in the image, by the names of their columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ALONE = {"angle", "left", "right", "xmax", "xmin", "ymax", "ymin"}
"""Words that mean a place, or that a flip exchanges."""
_ACROSS, _DOWN = {"cx", "x"}, {"cy", "y"}
"""Words that mean a place if a column of each kind exists; "y" alone is often any number."""


def place_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that look like coordinates, sides or angles, such as left_eye_x, x1 or xmin."""
    words = {name: _words(name) for name in names}
    found = set().union(*words.values())
    meant = _ALONE | (_ACROSS | _DOWN if found & _ACROSS and found & _DOWN else set())
    return tuple(name for name in names if words[name] & meant)


def _words(name: str) -> set[str]:
    """The words of a name in lower case: of nose_tip_x, leftEye or x1, without the digits."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
