"""What was concluded about data, as a table: what, why and how sure."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from comp.report.escaping import escape_unprintable
from comp.report.findings import FILE_WIDTH

STYLES = {"sure": "", "likely": "", "guess": "yellow", "missing": "bold red"}


def show_conclusions(rows: Iterable[tuple[str, str, str]], console: Console) -> None:
    """Print a table.

    Args:
        rows: (what, why, how sure); the last is "sure", "likely", "guess" or "missing".
    """
    if not console.is_terminal:
        console.width = FILE_WIDTH
    table = Table()
    table.add_column("conclusion", overflow="fold", ratio=2)
    table.add_column("why", overflow="fold", ratio=3)
    table.add_column("how sure")
    for what, why, certainty in rows:
        table.add_row(
            Text(escape_unprintable(what)),
            Text(escape_unprintable(why)),
            certainty,
            style=STYLES.get(certainty, ""),
        )
    console.print(table)
