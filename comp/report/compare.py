"""The comparison of two runs as text and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

if TYPE_CHECKING:
    from comp.runs.comparison import Comparison, PartScore, SampleChange

SHOWN = 5
"""Ids of changed samples that are shown; --json has all."""


def comparison_parts(found: Comparison) -> Iterator[RenderableType]:
    """What to print: the runs, the tables, the changed samples, the notes, and the sentence."""
    better = "lower" if found.direction == "min" else "higher"
    yield f"A  {found.first}\nB  {found.second}"
    yield _scores_table(f"{found.metric} ({better} is better)", "fold", found.folds)
    if found.outputs:
        name = "class" if found.sides else "output"
        yield _scores_table(found.outputs_measure, name, found.outputs)
    if found.sides:
        yield _side("right in A, wrong in B", found.sides.only_first)
        yield _side("wrong in A, right in B", found.sides.only_second)
        yield f"right in both: {found.sides.both:,}, wrong in both: {found.sides.neither:,}"
    if found.changes:
        yield _changes_table(found.changes_measure, found.changes)
    if found.synthetic:
        yield "synthetic data: the scores say nothing about the competition"
    for note in found.notes:
        yield f"note: {note}"
    yield found.words


def _scores_table(title: str, kind: str, parts: Sequence[PartScore]) -> Table:
    table = Table(title=title)
    table.add_column(kind)
    for column in ("samples", "A", "B", "A - B"):
        table.add_column(column, justify="right", no_wrap=True)
    for part in parts:
        table.add_row(
            part.name,
            f"{part.n:,}",
            _cell(part.first),
            _cell(part.second),
            _cell(part.difference, "+"),
        )
    return table


def _cell(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.5f}"


def _side(what: str, ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:SHOWN])
    more = ", ..." if len(ids) > SHOWN else ""
    return f"{what}: {len(ids):,}" + (f" ({shown}{more})" if ids else "")


def _changes_table(measure: str, changes: Sequence[SampleChange]) -> Table:
    table = Table(title=f"largest differences: {measure}")
    table.add_column("sample")
    for column in ("A", "B", "A - B"):
        table.add_column(column, justify="right", no_wrap=True)
    for change in changes:
        values = change.first, change.second
        table.add_row(change.id, *(f"{v:.5f}" for v in values), f"{change.difference:+.5f}")
    return table
