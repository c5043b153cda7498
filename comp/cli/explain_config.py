"""`comp explain-config`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from comp.cli.options import ConfigFile, Json, Name, Sets, print_json
from comp.config.schema import parse_sets, read_toml
from comp.contract import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from comp.config.explain import ConfigEntry

_WIDE = 160
"""Columns of a table that goes to a file or a pipe."""


def explain_config(
    name: Name,
    config: ConfigFile = None,
    set_: Sets = None,
    json: Json = False,
) -> None:
    """Show every configuration key, its value, where that comes from, and what it means."""
    from comp.config.explain import explain

    competition = registry.get(name)
    layers = [("plugin", competition.defaults)]
    if config:
        layers.append((config.name, read_toml(config)))
    layers.append(("--set", parse_sets(set_ or [])))
    entries = explain(competition.name, layers, competition.options)
    if json:
        keys = {entry.key: asdict(entry) for entry in entries}
        print_json({"competition": competition.name, "keys": keys})
    else:
        _show(entries)


def _show(entries: Sequence[ConfigEntry]) -> None:
    """Print the keys in a table, section by section."""
    from rich.table import Table

    from comp.config.explain import shown
    from comp.report.console import make_console

    table = Table(box=None, pad_edge=False)
    table.add_column("key", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True)
    table.add_column("meaning")
    section = ""
    for entry in entries:
        if entry.section != section:
            section = entry.section
            table.add_row()
        table.add_row(entry.key, shown(entry.value), entry.source, entry.description)
    console = make_console(to_stderr=False)
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table, soft_wrap=False)
