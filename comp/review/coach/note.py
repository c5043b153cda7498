"""What a note is: a sentence with its evidence, and the command that it suggests."""

from __future__ import annotations

from dataclasses import dataclass

from comp.page.words import Say


@dataclass(frozen=True, kw_only=True)
class Note:
    """A sentence about what limits a run; `command` may be empty."""

    text: Say
    command: str = ""
