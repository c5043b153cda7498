"""What an alert is: a code, a title, and a function that looks for the fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from comp.page.blocks import Notice, Tone
from comp.page.words import Say
from comp.review.facts import RunFacts

PAGE = "report.md"
"""The page whose headings are the codes."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A fault that was found: the evidence, what to do, and a command that does it."""

    text: Say
    remedy: Say
    command: str = ""
    tone: Tone = "warning"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A fault that a run may have. `look` returns None if it is not sure that the run has it."""

    code: str
    """Lower case letters and dashes; the anchor in docs/report.md too."""
    title: Say
    look: Callable[[RunFacts], Finding | None]

    def notice(self, facts: RunFacts) -> Notice | None:
        """The alert for a page or a terminal; None if there is none."""
        found = self.look(facts)
        if found is None:
            return None
        return Notice(
            code=self.code,
            title=self.title,
            text=found.text,
            remedy=found.remedy,
            command=found.command,
            page=f"{PAGE}#{self.code}",
            tone=found.tone,
        )
