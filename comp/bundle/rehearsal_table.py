"""A rehearsal as a table in the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from comp.bundle.rehearsal import Rehearsal, Step
from comp.report.clock import duration
from comp.report.escaping import escape_unprintable
from comp.report.findings import FILE_WIDTH

_MARKS = {True: "passed", False: "FAILED", None: "left out"}


def table_lines(rehearsal: Rehearsal, width: int | None = None) -> Iterator[str]:
    """The lines of a table of the steps, then the environment and the time at Kaggle.

    Args:
        width: in characters; None for that of the terminal.
    """
    if width is None:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else FILE_WIDTH
    console = Console(file=StringIO(), width=width, emoji=False, markup=False, highlight=False)
    table = Table(title="rehearsal " + ("passed" if rehearsal.passed else "FAILED"))
    table.add_column("step")
    table.add_column("")
    table.add_column("what was found", overflow="fold", ratio=1)
    table.add_column("images", justify="right")
    table.add_column("time", justify="right")
    table.add_column("memory", justify="right")
    for step in rehearsal.steps:
        words = Text(escape_unprintable(step.words))
        table.add_row(step.name, _MARKS[step.passed], words, *_numbers(step))
    with console.capture() as capture:
        console.print(table)
    yield from capture.get().splitlines()
    yield from lines_of(rehearsal)


def lines_of(rehearsal: Rehearsal) -> list[str]:
    """The lines below the table."""
    there = rehearsal.environment
    lines = [
        f"network     {there['network']}",
        f"libraries   {there['libraries']}",
        f"home        {there['home']}",
        f"tolerance   {rehearsal.tolerance:g}",
    ]
    if rehearsal.time:
        lines.append(f"time        {rehearsal.time.words}")
        if rehearsal.time.too_long:
            lines.append(
                "TOO LONG    use fewer folds, a smaller backbone, less predict.tta, or a larger "
                "machine, if the assumptions are right"
            )
    return lines


def _numbers(step: Step) -> tuple[str, str, str]:
    return (
        "" if step.images is None else f"{step.images:,}",
        "" if step.seconds is None else duration(step.seconds),
        "" if step.peak_bytes is None else f"{step.peak_bytes / 1e9:.1f} GB",
    )
