"""Nested configuration values: plain dictionaries, one level per dot of a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def nested(key: str, value: Any) -> dict[str, Any]:
    """`{"a": {"b": value}}` of the dotted key `a.b`."""
    name, _, rest = key.partition(".")
    return {name: nested(rest, value) if rest else value}


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `over`, section by section; neither is changed."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = merge(old, value)
        result[key] = value
    return result


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by their dotted keys; an empty section is a value."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found
