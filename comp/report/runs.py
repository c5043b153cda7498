"""Runs as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from comp.report.console import make_console

if TYPE_CHECKING:
    from comp.runs.catalog import RunInfo

UNITS = (("d", 86400), ("h", 3600), ("min", 60))
"""(unit, its seconds), the longest first."""


def show_runs(runs: Sequence[RunInfo], marks: Mapping[Path, str] | None = None) -> None:
    """Print one table per competition, the newest run last.

    Args:
        marks: words about runs, by their folder, such as "best".
    """
    console = make_console(to_stderr=False)
    for name in dict.fromkeys(run.competition for run in runs):
        console.print(_table(name, [run for run in runs if run.competition == name], marks or {}))


def format_bytes(count: int) -> str:
    """Bytes as text: `12.3 MB`, `4.56 GB`."""
    return f"{count / 1e9:,.2f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def format_age(seconds: float) -> str:
    """Seconds as text, at least two of a unit: `90 s`, `47 h`, `12 d`."""
    for unit, length in UNITS:
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _table(name: str, runs: Sequence[RunInfo], marks: Mapping[Path, str]) -> Table:
    metric = next((run.metric for run in runs if run.metric), "score")
    table = Table(title=name)
    table.add_column("run", no_wrap=True)  # an id must stay whole, to be copied
    table.add_column("state", overflow="fold", min_width=len("interrupted"))
    for column in (f"OOF {metric}", "folds", "age", "size"):
        table.add_column(column, justify="right", no_wrap=True)
    for run in runs:
        table.add_row(
            run.run_id,
            _state(run, marks.get(run.path, "")),
            "" if run.cv_score is None else f"{run.cv_score:.5f}",
            f"{run.folds_done}/{run.folds}" if run.folds else "",
            format_age(run.age_s),
            format_bytes(run.bytes),
        )
    return table


def _state(run: RunInfo, mark: str) -> str:
    """The state, with marks and the reason for a failure."""
    marks = [
        run.state,
        *["blend"] * bool(run.members),
        *["synthetic"] * run.synthetic,
        *["submitted"] * run.submitted,
        *[mark] * bool(mark),
    ]
    return ", ".join(marks) + (f": {run.reason}" if run.reason else "")
