"""Names of the program, such as those of measures, in the language of the reader."""

from __future__ import annotations

from comp.page.words import Text, say

NAMES = frozenset(
    {
        *("train", "test", "columns", "clusters", "targets", "colours and edges"),
        *("width", "height", "aspect ratio", "brightness", "contrast", "sharpness", "saturation"),
        *("bits per pixel", "JPEG quality"),
        *("mirrored", "upside down", "half turn"),
        *("number", "category", "date", "constant", "dropped"),
    }
)
"""Words of records that are not data."""


def named(word: str) -> Text:
    """A word of the program; any other text is data, and stays as it is."""
    return say(word) if word in NAMES else word
