"""Text in the language of the reader.

A `str` on a page is data, such as a name or an id, and is shown as it is. Words of the program are
a `Say`: an English template and its values. Files in `korean/` map each template to Korean.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Language = Literal["en", "ko"]


@dataclass(frozen=True)
class Say:
    """Words: a template for `str.format`, and its values, which may be words again."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The words in English."""
        return translate("en")(self)


Text = Say | str


def say(template: str, **values: Any) -> Say:
    """Words in English, with the values of the fields in braces: `say("{n} folds", n=5)`."""
    return Say(template, values)


def translate(language: Language) -> Callable[[Text], str]:
    """A function from text to a string in a language. Words without a translation stay English."""
    table = korean() if language == "ko" else {}

    def translated(text: Text) -> str:
        if isinstance(text, str):
            return text
        values = {
            key: translated(value) if isinstance(value, Say) else value
            for key, value in text.values.items()
        }
        return table.get(text.template, text.template).format(**values)

    return translated


@cache
def korean() -> Mapping[str, str]:
    """The Korean words by their English template, from all files in `korean/`."""
    found: dict[str, str] = {}
    for file in sorted(files(__package__).joinpath("korean").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            found |= tomllib.loads(file.read_text(encoding="utf-8"))
    return found
