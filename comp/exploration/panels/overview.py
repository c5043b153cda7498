"""The first panels: what the data is, what is wrong with it, and train against test."""

from __future__ import annotations

from collections.abc import Sequence

from comp.data.audit.findings import Finding
from comp.data.drift.words import drift_sentence, feature_text
from comp.exploration.exploration import Exploration
from comp.exploration.panels.names import named
from comp.page.blocks import Block, Bullets, Cell, Notice, Panel, Paragraph, Table, not_here
from comp.page.words import Text, say

NAMES = 5
"""Examples of a finding."""
LONGEST = 300


def overview(found: Exploration) -> Panel:
    """The findings of the check, and what is left out."""
    blocks: list[Block] = []
    if found.audit.synthetic:
        words = say("This is synthetic data: it says nothing about the competition.")
        blocks.append(Paragraph(words, "warning"))
    serious = [f for f in found.findings if f.severity != "note"]
    for finding in serious:
        blocks += _finding(finding)
    if not serious:
        blocks.append(
            Paragraph(say("The check of the data found no errors and no warnings."), "good")
        )
    notes = [f for f in found.findings if f.severity == "note"]
    if notes:
        rows: list[list[Cell]] = [[f.words, f.count, _names(f.names, NAMES)] for f in notes]
        columns = [say("note"), say("count"), say("examples")]
        blocks.append(Table(columns=columns, rows=rows, caption=say("Notes of the check")))
    return Panel(
        id="check",
        title=say("What the check found"),
        blocks=blocks,
        how_to_read=say(
            "Errors spoil a run, and warnings may make its score wrong. 'comp check' shows the "
            "same."
        ),
    )


def _finding(finding: Finding) -> list[Block]:
    bad = finding.severity == "error"
    notice = Notice(
        code=finding.kind,
        title=say("Error in the data") if bad else say("Warning about the data"),
        text=f"{finding.words} ({finding.count:,})",
        remedy=finding.advice,
        tone="bad" if bad else "warning",
    )
    examples = [name[:LONGEST] for name in finding.names[:NAMES]]
    return [notice, Bullets(examples)] if examples else [notice]


def _names(names: Sequence[str], most: int) -> str:
    shown = ", ".join(name[:LONGEST] for name in names[:most])
    return f"{shown}, ..." if len(names) > most else shown


def train_and_test(found: Exploration) -> Panel | None:
    """Whether test differs from train, as the check measures it."""
    blocks: list[Block] = []
    for drift in found.audit.drifts:
        blocks.append(Paragraph(drift_sentence(drift), "warning" if drift.found else "good"))
        if drift.found:
            blocks.append(Bullets([feature_text(feature) for feature in drift.features]))
    why = [f.words for f in found.findings if f.kind == "train-test-not-compared"]
    blocks += [not_here(words) for words in why]
    if not blocks:
        return None
    return Panel(
        id="train-test",
        title=say("Train against test"),
        blocks=blocks,
        how_to_read=say(
            "A classifier tries to tell test from train. An AUC of 0.5 means that it cannot; near "
            "1 it always can, and a score on train may not hold in test."
        ),
    )


def left_out(found: Exploration) -> Panel | None:
    """What the page could not show, and why."""
    if not found.left:
        return None
    entries: list[Text] = [
        say("{part}: {why}", part=named(left.part), why=left.why) for left in found.left
    ]
    return Panel(id="left-out", title=say("Left out"), blocks=[Bullets(entries)])
