"""Where each value of a configuration comes from, and what it means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from comp.config.schema import parse_sets, resolve
from comp.config.sections import NoOptions, Section


@dataclass(frozen=True, kw_only=True)
class ConfigEntry:
    """One key of a configuration.

    `key` has dots, `section` is what stands before the last of them ("" at the top), `value` is as
    JSON would have it, `source` the name of the last layer that gives it, or "default".
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
    """Every key of the configuration that `layers` (name, values; the later wins) give.

    The keys stand in the order of the sections, those without a section first.

    Raises:
        ConfigError: naming all that is wrong with them.
    """
    config = resolve(competition, [values for _, values in layers], options)
    values = config.model_dump(mode="json")
    sources = [("command line", {"competition": competition}), *layers]
    entries = [
        ConfigEntry(
            section=".".join(path[:-1]),
            key=".".join(path),
            value=_at(values, path),
            source=next(
                (name for name, layer in reversed(sources) if _has(layer, path)), "default"
            ),
            description=description,
        )
        for path, description in _leaves(config)
    ]
    order = {section: place for place, section in enumerate([entry.section for entry in entries])}
    return sorted(entries, key=lambda entry: (entry.section != "", order[entry.section]))


def _leaves(
    model: BaseModel, prefix: tuple[str, ...] = ()
) -> Iterable[tuple[tuple[str, ...], str]]:
    """(path, description) of every key that holds a value and not a section."""
    for name, field in type(model).model_fields.items():
        value, path = getattr(model, name), (*prefix, name)
        if isinstance(value, Section):
            yield from _leaves(value, path)
        else:
            yield path, field.description or ""


def _at(values: Any, path: Sequence[str]) -> Any:
    for name in path:
        values = values[name]
    return values


def _has(values: Any, path: Sequence[str]) -> bool:
    for name in path:
        if not isinstance(values, Mapping) or name not in values:
            return False
        values = values[name]
    return True


def shown(value: Any) -> str:
    """A value as `--set` takes it: none, true, 0.1, text, "3", ["a", "b"], {key = 1}."""
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
