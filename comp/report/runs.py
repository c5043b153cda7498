"""Runs as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from comp.report.console import make_console
from comp.report.fitting import Column, fitted_table
from comp.report.sparkline import bars_by_kind, only_ascii

if TYPE_CHECKING:
    from comp.runs.catalog import RunInfo

UNITS = (("d", 86400), ("h", 3600), ("min", 60))
"""(unit, its seconds), the longest first."""
BAR = 7
"""Characters of the longest bar."""
BAR_HEADER = "longer:\nbetter"


def show_runs(runs: Sequence[RunInfo], marks: Mapping[Path, str] | None = None) -> None:
    """Print one table per competition, the newest run last.

    Args:
        marks: words about runs, by their folder, such as "best".
    """
    console = make_console(to_stderr=False)
    for name in dict.fromkeys(run.competition for run in runs):
        own_runs = [run for run in runs if run.competition == name]
        console.print(_table(name, own_runs, marks or {}, console))


def format_bytes(count: int) -> str:
    """Bytes as text: `12.3 MB`, `4.56 GB`."""
    return f"{count / 1e9:,.2f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def format_age(seconds: float) -> str:
    """Seconds as text, at least two of a unit: `90 s`, `47 h`, `12 d`."""
    for unit, length in UNITS:
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _table(
    name: str, runs: Sequence[RunInfo], marks: Mapping[Path, str], console: Console
) -> Table:
    metric = next((run.metric for run in runs if run.metric), "score")
    folds = [f"{run.folds_done}/{run.folds}" if run.folds else "" for run in runs]
    columns = [
        Column(header="run", cells=[run.run_id for run in runs]),  # whole, to be copied
        Column(
            header="state",
            cells=[Text(_state(run, marks.get(run.path, ""))) for run in runs],
            least=len("interrupted"),
        ),
        Column(
            header=score_header("OOF", metric),
            cells=["" if run.cv_score is None else f"{run.cv_score:.5f}" for run in runs],
            right=True,
        ),
        Column(header=BAR_HEADER, cells=_bars(runs, only_ascii(console)), rank=4, style="cyan"),
        Column(header="folds", cells=folds, rank=3, right=True),
        Column(header="age", cells=[format_age(run.age_s) for run in runs], rank=1, right=True),
        Column(header="size", cells=[format_bytes(run.bytes) for run in runs], rank=2, right=True),
    ]
    return fitted_table(name, columns, console.width)


def score_header(what: str, metric: str) -> str:
    """The header of a column of scores; a long name of a metric is on a line of its own."""
    return f"{what} {metric}" if len(metric) <= 8 else f"{what}\n{metric}"


def _bars(runs: Sequence[RunInfo], ascii_only: bool) -> list[str]:
    """A bar for each score, among the runs with the same metric on the same kind of data."""
    kinds = [(run.metric, run.direction, run.synthetic) for run in runs]
    return bars_by_kind([run.cv_score for run in runs], kinds, BAR, ascii_only)


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
