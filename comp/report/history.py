"""Runs and submissions as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from comp.report.console import make_console

if TYPE_CHECKING:
    from comp.runs.results import HistoryRow

MOST_CHANGES = 3


def show(found: Sequence[HistoryRow], warnings: Mapping[str, str]) -> None:
    """Print one table a competition, the newest line last, and the warnings below them."""
    console = make_console(to_stderr=False)
    if not found:
        console.print("no finished runs and no submissions here: 'comp run NAME' makes one")
    for name in dict.fromkeys(line.competition for line in found):
        mine = [line for line in found if line.competition == name]
        console.print(_table(name, mine))
        for line in mine:
            if line.state == "error":
                console.print(f"{line.ref}: {line.message}", soft_wrap=True, markup=False)
        if warnings.get(name):
            console.print(f"warning: {warnings[name]}", soft_wrap=True)


def _table(name: str, found: Sequence[HistoryRow]) -> Table:
    metric = next((line.metric for line in found if line.metric), "score")
    table = Table(title=name)
    for column in ("run", "changes", "folds", f"OOF {metric}", "public", "private", "state"):
        number = column in ("public", "private") or "OOF" in column
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for line in found:
        score = "" if line.cv_score is None else f"{line.cv_score:.5f}"
        spread = f" ± {line.std:.5f}" if line.std else ""
        table.add_row(
            line.run_id or line.file,
            _changes(line.changes),
            line.fold_hash[:6],
            score + spread,
            line.public,
            line.private,
            _state(line),
        )
    return table


def _state(line: HistoryRow) -> str:
    if line.synthetic:
        return "synthetic"
    sent = {"": "not sent", "intent": "not sent", "uploaded": "not sent", "absent": "not sent"}
    return sent.get(line.state, line.state)


def _changes(changes: Mapping[str, object]) -> str:
    words = [f"{key}={'unset' if value is None else value}" for key, value in changes.items()]
    more = len(words) - MOST_CHANGES
    return ", ".join(words[:MOST_CHANGES]) + (f" and {more} more" if more > 0 else "")
