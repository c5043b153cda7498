"""Nested configuration values."""

from __future__ import annotations

from comp.config.nesting import flat


def test_nested_keys_become_dotted() -> None:
    assert flat({"a": {"b": 1, "c": {"d": None}}, "e": {}}) == {"a.b": 1, "a.c.d": None, "e": {}}
