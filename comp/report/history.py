"""Runs and submissions as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from comp.report.console import make_console
from comp.report.fitting import Column, fitted_table
from comp.report.runs import BAR, BAR_HEADER, score_header
from comp.report.sparkline import bars_by_kind, only_ascii

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
        console.print(_table(name, own_rows, console))
        for row in own_rows:
            if row.state in ("error", "failed"):
                what = row.ref or f"notebook of {row.run_id}, version {row.kernel_version}"
                console.print(f"{what}: {row.message}", soft_wrap=True, markup=False)
        if warnings.get(name):
            console.print(f"warning: {warnings[name]}", soft_wrap=True)


def _table(name: str, rows: Sequence[HistoryRow], console: Console) -> Table:
    metric = next((row.metric for row in rows if row.metric), "score")
    columns = [
        Column(header="run", cells=[row.run_id or row.file for row in rows]),
        Column(header="changes", cells=[_changes(r.changes) for r in rows], rank=3, least=12),
        Column(header="folds", cells=[row.fold_hash[:6] for row in rows], rank=6),
        Column(header=score_header("OOF", metric), cells=[_score(r) for r in rows], right=True),
        Column(header="±", cells=[_spread(row) for row in rows], rank=5, right=True),
        Column(header=BAR_HEADER, cells=_bars(rows, only_ascii(console)), rank=4, style="cyan"),
        Column(header="public", cells=[row.public for row in rows], right=True),
        Column(header="private", cells=[row.private for row in rows], rank=2, right=True),
        Column(header="sent as", cells=[_sent_as(row) for row in rows], rank=4),
        Column(header="state", cells=[_state(row) for row in rows], rank=1),
    ]
    if not any(row.kind == "notebook" for row in rows):
        columns = [column for column in columns if column.header != "sent as"]
    if not any(row.private for row in rows):
        columns = [column for column in columns if column.header != "private"]
    return fitted_table(name, columns, console.width)


def _score(row: HistoryRow) -> str:
    return "" if row.cv_score is None else f"{row.cv_score:.5f}"


def _spread(row: HistoryRow) -> str:
    return f"{row.std:.5f}" if row.std else ""


def _bars(rows: Sequence[HistoryRow], ascii_only: bool) -> list[str]:
    """A bar for each out-of-fold score, among the rows with the same metric and kind of data."""
    kinds = [(row.metric, row.direction, row.synthetic) for row in rows]
    return bars_by_kind([row.cv_score for row in rows], kinds, BAR, ascii_only)


def _state(row: HistoryRow) -> str:
    if row.synthetic:
        return "synthetic"
    sent = {"": "not sent", "intent": "not sent", "uploaded": "not sent", "absent": "not sent"}
    value = "" if row.value is None else f" {row.value:.5f} here"
    return sent.get(row.state, row.state) + value


def _sent_as(row: HistoryRow) -> str:
    """A file, or which version of a notebook."""
    return f"notebook v{row.kernel_version}" if row.kernel_version else row.kind


def _changes(changes: Mapping[str, object]) -> str:
    words = [f"{key}={'unset' if value is None else value}" for key, value in changes.items()]
    more = len(words) - MOST_CHANGES
    return ", ".join(words[:MOST_CHANGES]) + (f" and {more} more" if more > 0 else "")
