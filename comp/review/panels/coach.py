"""Coach's notes: what limits the run, and what to try next."""

from __future__ import annotations

from comp.page.blocks import Bullets, Panel
from comp.page.words import say
from comp.review.coach.notes import coach_notes
from comp.review.facts import RunFacts


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None if nothing is sure."""
    found = coach_notes(facts)
    if not found:
        return None
    return Panel(
        id="coach",
        title=say("Coach's notes"),
        blocks=[Bullets(list(found))],
        how_to_read=say(
            "At most five sentences about what limits this run, the most important first, with the "
            "evidence. The last one is a command to try next: it changes one thing, so that you "
            "see what it does. Where the numbers prove nothing, the coach says nothing."
        ),
    )
