"""Runs and submissions as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from comp.report.console import make_console

if TYPE_CHECKING:
    from comp.runs.results import HistoryRow

MOST_CHANGES = 3


def show_history(rows: Sequence[HistoryRow], warnings: Mapping[str, str]) -> None:
    """Print one table per competition, the newest row last, each with its warning."""
    console = make_console(to_stderr=False)
    if not rows:
        console.print("no finished runs and no submissions here: start a run with 'comp run NAME'")
    for name in dict.fromkeys(row.competition for row in rows):
        own_rows = [row for row in rows if row.competition == name]
        console.print(_table(name, own_rows))
        for row in own_rows:
            if row.state == "error":
                console.print(f"{row.ref}: {row.message}", soft_wrap=True, markup=False)
        if warnings.get(name):
            console.print(f"warning: {warnings[name]}", soft_wrap=True)


def _table(name: str, rows: Sequence[HistoryRow]) -> Table:
    metric = next((row.metric for row in rows if row.metric), "score")
    table = Table(title=name)
    for column in ("run", "changes", "folds", f"OOF {metric}", "public", "private", "state"):
        number = column in ("public", "private") or "OOF" in column
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        score = "" if row.cv_score is None else f"{row.cv_score:.5f}"
        spread = f" ± {row.std:.5f}" if row.std else ""
        table.add_row(
            row.run_id or row.file,
            _changes(row.changes),
            row.fold_hash[:6],
            score + spread,
            row.public,
            row.private,
            _state(row),
        )
    return table


def _state(row: HistoryRow) -> str:
    if row.synthetic:
        return "synthetic"
    sent = {"": "not sent", "intent": "not sent", "uploaded": "not sent", "absent": "not sent"}
    return sent.get(row.state, row.state)


def _changes(changes: Mapping[str, object]) -> str:
    words = [f"{key}={'unset' if value is None else value}" for key, value in changes.items()]
    more = len(words) - MOST_CHANGES
    return ", ".join(words[:MOST_CHANGES]) + (f" and {more} more" if more > 0 else "")
