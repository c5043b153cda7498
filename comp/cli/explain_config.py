"""`comp explain-config`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from comp.cli.configuration import given_layers
from comp.cli.options import ConfigFile, Json, Name, Sets, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from comp.config.explain import ConfigEntry

_WIDE = 160
"""Width of the table in a file or a pipe, in characters."""


def explain_config(
    name: Name,
    config: ConfigFile = None,
    set_: Sets = None,
    json: Json = False,
) -> None:
    """Show all configuration keys, their values and sources."""
    from comp.config.explain import explain
    from comp.contract import registry

    competition = registry.get(name)
    layers = [("plugin", competition.defaults), *given_layers(config, set_)]
    entries = explain(competition.name, layers, competition.options)
    if json:
        keys = {entry.key: asdict(entry) for entry in entries}
        print_json({"competition": competition.name, "keys": keys})
    else:
        _show(entries)


def _show(entries: Sequence[ConfigEntry]) -> None:
    """Print a table of the keys, one block of rows per section."""
    from rich.table import Table

    from comp.config.explain import format_value
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
        table.add_row(entry.key, format_value(entry.value), entry.source, entry.description)
    console = make_console(to_stderr=False)
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table, soft_wrap=False)
