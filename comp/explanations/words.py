"""Explanations in the terminal: a table of the samples, and what the checks say."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from comp.explanations.explained import Explained
from comp.report.escaping import escape_unprintable


def explained_parts(found: Explained) -> Iterator[RenderableType]:
    """What to print: the table, the checks, and the notes."""
    if found.samples:
        yield _table(found)
        rows, columns = found.grid or (0, 0)
        yield (
            f"{found.method}, {rows} x {columns} cells (layer {found.layer}): bright parts speak "
            "for what was decided, or for the target"
        )
    if found.agreement:
        yield found.agreement
    if found.sanity:
        yield found.sanity.words
    for note in found.notes:
        yield f"note: {escape_unprintable(note)}"


def _table(found: Explained) -> Table:
    table = Table(title=Text(f"{found.competition}, run {found.run_id}"))
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("sample", overflow="fold")
    table.add_column("fold", justify="right", no_wrap=True)
    same = all(sample.target == sample.decision for sample in found.samples)
    for name in ["truth", "decided"] + ["target"] * (not same):
        table.add_column(name, overflow="fold")
    table.add_column("p" if found.are_chances else "value", justify="right", no_wrap=True)
    checked = any(sample.occlusion is not None for sample in found.samples)
    if checked:
        table.add_column("occlusion", overflow="fold")
    for number, sample in enumerate(found.samples, start=1):
        decision = f"{sample.decision} (wrong)" if sample.wrong else sample.decision
        chance = "" if sample.probability is None else f"{sample.probability:.3f}"
        agreement = sample.agreement_words
        if sample.agreement is not None:
            agreement += f" {sample.agreement:.2f}"
        table.add_row(
            str(number),
            _plain(sample.id),
            str(sample.fold),
            _plain(sample.truth),
            _plain(decision),
            *[_plain(sample.target)] * (not same),
            chance,
            *[agreement] * checked,
        )
    return table


def _plain(text: str) -> Text:
    return Text(escape_unprintable(text))
