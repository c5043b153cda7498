"""The valid value that is most like a wrong one, for messages."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def did_you_mean(value: object, choices: Iterable[str]) -> str:
    """Return "did you mean 'x'? " for the choice whose spelling is the nearest, "" if none is near.

    Capitals do not matter, and "-" is as good as "_".
    """
    by_spelling = {_spelling(choice): choice for choice in choices}
    near = difflib.get_close_matches(_spelling(str(value)), by_spelling, n=1)
    return f"did you mean '{by_spelling[near[0]]}'? " if near else ""


def choice_message(detail: Mapping[str, Any]) -> str:
    """What a value of few choices should be, from an error of pydantic; "" for another error."""
    if detail["type"] != "literal_error":
        return ""
    expected = str(detail["ctx"]["expected"])
    choices = re.findall(r"'([^']*)'", expected)
    return f"{did_you_mean(detail['input'], choices)}use {expected}"


def true_false_or(*choices: str) -> Callable[[object], object]:
    """A check of a value that is true, false or one of `choices`, with one message for all."""

    def checked(value: object) -> object:
        if isinstance(value, bool) or value in choices:
            return value
        names = " or ".join(f"'{choice}'" for choice in choices)
        raise ValueError(f"{did_you_mean(value, choices)}use true, false or {names}")

    return checked


def _spelling(text: str) -> str:
    return text.strip().lower().replace("_", "-")
