"""Images that look alike as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from comp.contract.sample import Split
from comp.features.embedding_set import DuplicatePair, Neighbour
from comp.report.escaping import escape_unprintable

SHOWN = 20
"""Pairs in the table; --json has all."""


def neighbours_table(name: str, split: Split, neighbours: Sequence[Neighbour]) -> Table:
    """The samples that look most like `name` of a split, one per row."""
    table = Table(title=Text(f"most like {escape_unprintable(name)} ({split})"))
    for heading in ("id", "split", "label"):
        table.add_column(heading)
    table.add_column("similarity", justify="right")
    for found in neighbours:
        table.add_row(_plain(found.id), found.split, _plain(found.label), f"{found.similarity:.4f}")
    return table


def duplicates_table(pairs: Sequence[DuplicatePair], least: float) -> Table:
    """The most similar pairs, one per row, those of training and test data first."""
    leaks = sum(pair.leak for pair in pairs)
    title = f"{len(pairs):,} pairs with a similarity of at least {least:g}"
    title += f"; {leaks:,} of a training and a test image: a leak" if leaks else ""
    title += f"; the first {SHOWN}, --json lists all" if len(pairs) > SHOWN else ""
    table = Table(title=title)
    table.add_column("first")
    table.add_column("second")
    table.add_column("similarity", justify="right")
    table.add_column("")
    for pair in sorted(pairs, key=lambda pair: not pair.leak)[:SHOWN]:
        words: str = "train and test" if pair.leak else pair.first_split
        words += ", same group" if pair.same_group and not pair.leak else ""
        table.add_row(_plain(pair.first), _plain(pair.second), f"{pair.similarity:.4f}", words)
    return table


def _plain(text: str) -> Text:
    return Text(escape_unprintable(text))
