"""Where each value of a configuration comes from, and what it means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from comp.config.augment import preset_layer
from comp.config.parsing import parse_sets
from comp.config.schema import gives, rename_keys, resolve, value_at
from comp.config.section import NoOptions, Section


@dataclass(frozen=True, kw_only=True)
class ConfigEntry:
    """One key of a configuration.

    `key` is dotted, `section` is the part before its last dot ("" at the top), `value` is a JSON
    value, `source` is the name of the last layer that gives it, or "default".
    """

    section: str
    key: str
    value: Any
    source: str
    description: str


def explain(
    competition: str,
    layers: Sequence[tuple[str, Mapping[str, Any]]],
    options: type[Section] = NoOptions,
) -> list[ConfigEntry]:
    """Every key of the configuration of `layers` (name, values), in which a later one wins.

    Keys are grouped by section, those without a section first.

    Raises:
        ConfigError: naming every fault of the configuration.
    """
    layers = [(name, rename_keys(values)[0]) for name, values in layers]
    config = resolve(competition, [values for _, values in layers], options)
    values = config.model_dump(mode="json")
    position, preset = preset_layer([values for _, values in layers])
    layers.insert(position, (f"preset {config.augment.preset}", preset))
    sources = [("command line", {"competition": competition}), *layers]
    entries = [
        ConfigEntry(
            section=key.rpartition(".")[0],
            key=key,
            value=value_at(values, key),
            source=next(
                (name for name, layer in reversed(sources) if gives(layer, key)), "default"
            ),
            description=description,
        )
        for key, description in _described_keys(config)
    ]
    order = {section: index for index, section in enumerate([entry.section for entry in entries])}
    return sorted(entries, key=lambda entry: (entry.section != "", order[entry.section]))


def _described_keys(model: BaseModel, prefix: str = "") -> Iterable[tuple[str, str]]:
    """(dotted key, description) of every key that is not a section."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, Section):
            yield from _described_keys(value, f"{prefix}{name}.")
        else:
            yield prefix + name, field.description or ""


def format_value(value: Any) -> str:
    """A value as `--set` reads it: none, true, 0.1, text, "3", ["a", "b"], {key = 1}."""
    if value is None or value == "none":
        return "none"
    bare = isinstance(value, str) and value and parse_sets([f"key={value}"])["key"] == value
    return str(value) if bare else _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
