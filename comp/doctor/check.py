"""The result of a check, and protection against checks that raise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Check:
    """The result of a check: what was checked, its state, the finding and the remedy.

    A "problem" stops a run or makes it wrong; a "note" may matter. `remedy` is "" if there is
    nothing to do.
    """

    name: str
    state: State
    found: str
    remedy: str = ""


def run_check(name: str, function: Callable[[], Check]) -> Check:
    """The result of `function`; if it raises, a problem with the reason."""
    try:
        return function()
    except Exception as error:  # a broken machine must not stop the other checks
        return Check(
            name,
            "problem",
            f"cannot be checked ({short_message(error)})",
            "fix the error; if it is not on your machine, report it as a bug of comp",
        )


def short_message(error: BaseException) -> str:
    """An error as one short line: its type and the first line of its message."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:200].removesuffix(": ")
