"""The command that trains without the samples of a list."""

from __future__ import annotations

from comp.page.blocks import Block, Code, Paragraph
from comp.page.words import say
from comp.review.commands import command, repeat
from comp.review.facts import RunFacts


def dropping(facts: RunFacts, file: str) -> list[Block]:
    """The command that trains like the run, but without the samples of a file; of a blend, which
    trained nothing, with the defaults of the competition."""
    words = ("--set", f"drop={file}")
    again = repeat(facts, *words) or command(
        facts, "run", facts.competition.name, *words, writes=True
    )
    blocks: list[Block] = [Code(again)]
    before = facts.config.get("drop")
    if before:
        text = say(
            "This run already drops the samples of {file}. Add its ids to the new list, or they "
            "train again.",
            file=str(before),
        )
        blocks.append(Paragraph(text, "warning"))
    return blocks
