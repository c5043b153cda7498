"""The configuration: only what differs from the competition's defaults and from the run before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comp.config.explain import explain, format_value
from comp.config.nesting import flat
from comp.page.blocks import Block, Panel, Paragraph, Part, Table
from comp.page.words import say
from comp.review.facts import RunFacts
from comp.review.verdict import before
from comp.runs.folder import RunFolder


def panel(facts: RunFacts) -> Panel:
    """The panel."""
    own, rows = facts.competition, []
    defaults = explain(own.name, [("competition", own.defaults)], own.options)
    descriptions = {entry.key: entry.description for entry in defaults}
    usual = {entry.key: entry.value for entry in defaults}
    used = flat(facts.config)
    for key, value in used.items():
        if key in usual and usual[key] != value:
            rows.append(
                [key, format_value(value), format_value(usual[key]), descriptions.get(key, "")]
            )
    columns = [say("key"), say("this run"), say("default here"), say("meaning")]
    blocks: list[Block] = []
    if rows:
        blocks.append(
            Table(columns=columns, rows=rows, caption=say("What differs from the default"))
        )
    else:
        blocks.append(Paragraph(say("Every key has the default of the competition.")))
    blocks += _against_before(facts, {**usual, **used}, usual)
    return Panel(
        id="configuration",
        title=say("Configuration"),
        blocks=blocks,
        how_to_read=say(
            "Only keys with another value are listed. If several keys differ from the run before, "
            "the difference of the scores does not say which of them made it: change one at a time."
        ),
    )


def _against_before(
    facts: RunFacts, used: Mapping[str, Any], usual: Mapping[str, Any]
) -> list[Block]:
    """What differs from the run before. A key that one of them lacks, because it did not exist yet,
    has its default."""
    last = before(facts)
    if last is None:
        return []
    path = facts.folder.path.with_name(last.run_id)
    others = {**usual, **flat(RunFolder(path).record().get("config") or {})}
    rows = [
        [key, format_value(used.get(key)), format_value(others.get(key))]
        for key in dict.fromkeys([*used, *others])
        if used.get(key) != others.get(key)
    ]
    title = Part(title=say("Against the run before, {run}", run=last.run_id))
    if not rows:
        return [title, Paragraph(say("The configuration is the same."))]
    return [title, Table(columns=[say("key"), say("this run"), say("the run before")], rows=rows)]
