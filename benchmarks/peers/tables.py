"""The cells of a comparison as Markdown: a table for each competition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from peers.cells import Cell, find


def markdown(cells: Sequence[Cell], competitions: Iterable[str], programs: Sequence[str]) -> str:
    """One table for each competition: a row for each number of minutes, a column for each
    program."""
    return "\n".join(table(name, cells, programs) for name in competitions)


def table(name: str, cells: Sequence[Cell], programs: Sequence[str]) -> str:
    """The table of one competition."""
    mine = [cell for cell in cells if cell["competition"] == name]
    figures = next((list(cell["figures"]) for cell in mine if cell.get("figures")), ["score"])
    head = f"## {name}: {', '.join(figures)} (seconds, images seen)\n\n"
    head += f"| minutes | {' | '.join(programs)} |\n|---:|{'---|' * len(programs)}\n"
    rows = []
    for minutes in sorted({cell["minutes"] for cell in mine}):
        found = [find(mine, minutes=minutes, program=program) for program in programs]
        rows.append(f"| {minutes:g} | {' | '.join(text(cell) for cell in found)} |\n")
    return head + "".join(rows)


def text(cell: dict[str, Any] | None) -> str:
    """A cell as text: its figures, or why there are none."""
    if cell is None:
        return ""
    if not cell.get("figures"):
        return str(cell["why"])
    shown = ", ".join(f"{value:.4f}" for value in cell["figures"].values())
    images = cell.get("notes", {}).get("images")
    return f"{shown} ({cell['seconds']:.0f} s{f', {images:,}' if images else ''})"
