"""The alerts of a run, the worst first."""

from __future__ import annotations

from comp.page.blocks import Block, Panel, Paragraph
from comp.page.words import say
from comp.review.alerts.all_alerts import ALERTS, alerts_of
from comp.review.facts import RunFacts


def panel(facts: RunFacts) -> Panel:
    """The panel; without alerts it says that none was raised."""
    found = alerts_of(facts)
    blocks: list[Block] = list(found)
    if not facts.finished:
        blocks.insert(0, Paragraph(say("The run is not finished: most checks need its scores.")))
    elif not found:
        blocks = [Paragraph(say("None of {n} checks found a fault.", n=len(ALERTS)), "good")]
    return Panel(
        id="alerts",
        title=say("Alerts"),
        blocks=blocks,
        how_to_read=say(
            "Each alert is a fault that the numbers of this run prove: the first is the worst. It "
            "has a code, the evidence, what to do, and a part of the documentation. An alert is "
            "raised only beyond chance, so no alert does not prove that all is well."
        ),
    )
