"""TOML files of a study: its space, and the configuration of its best trial."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from comp.config.nesting import merge
from comp.tuning.space import Space

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def space_text(space: Space) -> str:
    """A space file with the space, which `comp tune --space` reads."""
    lines = ["# comp tune NAME --space THIS_FILE"]
    for key, entry in space.record().items():
        lines += ["", f"[{key}]"]
        lines += [f"{word} = {_value(_without_none(value))}" for word, value in entry.items()]
    return "\n".join(lines) + "\n"


def config_text(comments: Iterable[str], *layers: Mapping[str, Any]) -> str:
    """A configuration file with the values of nested layers, a later one wins.

    TOML has no null: a value that is None is a comment with the `--set` that gives it.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = merge(merged, layer)
    lines = [f"# {comment}" for comment in comments]
    for key, value in _leaves(merged):
        if value is None:
            lines.append(f"# give --set {key}=none")
        else:
            lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every value that is not a section."""
    for name, value in values.items():
        key = prefix + (name if _BARE.fullmatch(name) else json.dumps(name))
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value


def _without_none(value: Any) -> Any:
    """Choices of a space file: "none" is the value None."""
    return (
        ["none" if part is None else part for part in value] if isinstance(value, list) else value
    )


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)
