"""`comp explain-config`."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from comp.cli.configuration import given_layers
from comp.cli.options import ConfigFile, Json, Name, Sets, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from comp.config.explain import ConfigEntry
    from comp.pipeline.effective import Effect

_WIDE = 160
"""Width of the table in a file or a pipe, in characters."""


def explain_config(
    name: Name,
    config: ConfigFile = None,
    set_: Sets = None,
    json: Json = False,
) -> None:
    """Show all configuration keys and their values."""
    from comp.config.explain import explain
    from comp.config.schema import resolve
    from comp.contract import registry

    competition = registry.get(name)
    layers = [("plugin", competition.defaults), *given_layers(config, set_)]
    entries = explain(competition.name, layers, competition.options)
    values = [layer for _, layer in layers]

    from comp.pipeline.effective import effects

    effect_of = effects(competition, resolve(competition.name, values, competition.options))
    if json:
        keys = {entry.key: _as_json(entry, effect_of.get(entry.key)) for entry in entries}
        print_json({"competition": competition.name, "keys": keys})
    else:
        _show(entries, effect_of)


def _as_json(entry: ConfigEntry, effect: Effect | None) -> dict[str, object]:
    """The fields of an entry, the `effective` value, and why a key is `unused`."""
    replaced = effect is not None and not effect.unused
    return asdict(entry) | {
        "effective": effect.value if effect and replaced else entry.value,
        "unused": effect.unused if effect else "",
    }


def _show(entries: Sequence[ConfigEntry], effect_of: Mapping[str, Effect]) -> None:
    """Print a table of the keys, one block of rows per section; a section that does nothing is one
    row."""
    from rich.table import Table

    from comp.report.console import make_console

    table = Table(box=None, pad_edge=False)
    table.add_column("key", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True)
    table.add_column("meaning")
    for section, group in groupby(entries, key=lambda entry: entry.section):
        rows = [_row(entry, effect_of.get(entry.key)) for entry in group]
        reasons = {reason for _, reason in rows}
        if section:
            table.add_row()
        if len(rows) > 1 and len(reasons) == 1 and reasons != {""}:
            table.add_row(f"{section}.*", "", "", f"(does nothing: {reasons.pop()})")
            continue
        for row, _ in rows:
            table.add_row(*row)
    console = make_console(to_stderr=False)
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table, soft_wrap=False)


def _row(entry: ConfigEntry, effect: Effect | None) -> tuple[tuple[str, str, str, str], str]:
    """(key, the value that a run uses, its source, meaning), and why the key does nothing, else
    ""."""
    from comp.config.explain import format_value

    value, meaning = format_value(entry.value), entry.description
    if effect and effect.unused:
        meaning = f"(does nothing: {effect.unused}) {meaning}"
    elif effect:
        value = f"{format_value(effect.value)} ({effect.reason})"
    return (entry.key, value, entry.source, meaning), effect.unused if effect else ""
