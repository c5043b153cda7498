"""Configuration from the command line: --config and --set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from comp.streams import print_to_stderr


def given_layers(config: Path | None, sets: Sequence[str] | None) -> list[tuple[str, Any]]:
    """(name, values) of the TOML file, if any, and of --set; --set wins over the file.

    Keys have their present names; one line on stderr names each old one.
    """
    from comp.config.parsing import parse_sets, read_toml
    from comp.config.schema import RENAMED, rename_keys

    layers = [(config.name, read_toml(config))] if config else []
    layers.append(("--set", parse_sets(sets or [])))
    renamed = [(name, *rename_keys(values)) for name, values in layers]
    for old in dict.fromkeys(key for _, _, old_keys in renamed for key in old_keys):
        print_to_stderr(f"{old} is now called {RENAMED[old]}")
    return [(name, values) for name, values, _ in renamed]


def given_config(config: Path | None, sets: Sequence[str] | None) -> dict[str, Any]:
    """The values of the TOML file and of --set, merged."""
    from comp.config.nesting import merge

    merged: dict[str, Any] = {}
    for _, values in given_layers(config, sets):
        merged = merge(merged, values)
    return merged
