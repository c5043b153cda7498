"""Text that could change the terminal is shown as escapes."""

from __future__ import annotations

import pytest

from comp.report.escaping import escape_unprintable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\x1b[31m", "a\\nb\\x1b[31m"),
        ("gpj.\u202egnp", "gpj.\\u202egnp"),
        ("\u2066x\u2069\u200f", "\\u2066x\\u2069\\u200f"),
        ("\u2028", "\\u2028"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_changes_the_terminal_is_escaped(text: str, shown: str) -> None:
    assert escape_unprintable(text) == shown


@pytest.mark.parametrize(
    "text", ["\uace0\uc591\uc774", "[red] <script>", "\u05e9\u05dc\u05d5", "caf\u00e9"]
)
def test_text_of_any_language_stays(text: str) -> None:
    assert escape_unprintable(text) == text
