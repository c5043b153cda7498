"""The submission of a run: its file, and what the ledger says."""

from __future__ import annotations

import csv
from pathlib import Path

from comp.files import sha256
from comp.page.blocks import Block, Cell, Panel, Paragraph, Table
from comp.page.words import say
from comp.review.facts import RunFacts
from comp.submission.ledger import Ledger

FIRST = 5
"""Lines of the file that are shown."""
LONGEST = 120
BLOCK = 1 << 20
"""Bytes that are read at once."""


def _rows(path: Path) -> int | None:
    """The rows below the header; a cell may have several lines. None if the file is no table."""
    lines = _plain_lines(path)
    if lines is not None:
        return max(0, lines - 1)
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as stream:
            return max(0, sum(1 for row in csv.reader(stream) if row) - 1)
    except csv.Error:
        return None


def _plain_lines(path: Path) -> int | None:
    """The lines of a file, counted without reading cells, which takes seconds for millions of rows;
    None if it has quoted cells or empty lines."""
    count, last = 0, b"\n"
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            joined = last + block
            if b'"' in block or b"\n\n" in joined or b"\r" in block:
                return None
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")


def panel(facts: RunFacts) -> Panel:
    """The panel."""
    path = facts.workspace.submission(facts.competition.name, facts.run_id)
    blocks: list[Block] = []
    if path.is_file():
        digest = sha256(path)
        rows: list[list[Cell]] = [
            [say("rows"), _rows(path)],
            [say("bytes"), path.stat().st_size],
            ["SHA-256", digest],
        ]
        blocks.append(Paragraph(say("The file was checked against the sample submission."), "good"))
        blocks.append(Table(columns=[say("submission"), path.name], rows=rows))
        with path.open(encoding="utf-8", errors="replace") as stream:
            lines = [
                line.rstrip("\n")[:LONGEST] for line, _ in zip(stream, range(FIRST), strict=False)
            ]
        blocks.append(Table(columns=[say("its first lines")], rows=[[line] for line in lines]))
    else:
        blocks.append(Paragraph(say("There is no submission file.")))
    attempts = Ledger(facts.workspace.ledger).attempts(facts.competition.name)
    own = [attempt for attempt in attempts if attempt.run_id == facts.run_id]
    if own:
        columns = [say("when"), say("state"), say("public"), say("private"), say("message")]
        sent: list[list[Cell]] = [[a.at, a.state, a.public, a.private, a.message] for a in own]
        blocks.append(Table(columns=columns, rows=sent, caption=say("The ledger of this run")))
    else:
        blocks.append(Paragraph(say("The ledger has no attempt to submit this run.")))
    return Panel(
        id="submission",
        title=say("Submission"),
        blocks=blocks,
        how_to_read=say(
            "comp checks ids, columns, types and limits before it writes the file. The ledger "
            "lists each attempt to send it, and the scores that Kaggle gave."
        ),
    )
