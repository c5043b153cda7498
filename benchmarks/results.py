"""Showing what a benchmark measured: a table, or one line of JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def show(
    title: str, rows: Sequence[Mapping[str, Any]], notes: Sequence[str], as_json: bool
) -> None:
    """Print rows of equal keys; numbers are rounded in the table only."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    if as_json:
        print(json.dumps({"title": title, "machine": machine, "rows": rows, "notes": notes}))
        return
    table = Table(title=title, caption="; ".join([machine, *notes]))
    for number, key in enumerate(rows[0]):
        table.add_column(key, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*[_cell(value) for value in row.values()])
    Console().print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return "" if value is None else str(value)
