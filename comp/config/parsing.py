"""Configuration as a user writes it: TOML files and `--set key=value`."""

from __future__ import annotations

import ast
import re
import tomllib
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from comp.config.key_types import MAX_DEPTH
from comp.config.nesting import merge, nested
from comp.config.schema import SHORT
from comp.errors import ConfigError

_ASSIGNMENT = re.compile(rf"([A-Za-z_]\w*(?:\.\w*){{0,{MAX_DEPTH}}})\s*=(.*)", re.DOTALL)
_WORDS = {"none": None, "null": None, "true": True, "false": False}
_DECIMAL = re.compile(r"[+-]?([0-9_]+\.[0-9_]*|\.[0-9_]+)(e[+-]?[0-9_]+)?", re.IGNORECASE)
"""A number with a decimal point, such as `.001` and `1.`, which TOML does not have."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file of configuration keys.

    Raises:
        ConfigError: when the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the config file {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}") from None


def parse_sets(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `["optim.lr=1e-3", "backbone=resnet34"]` into a nested dictionary.

    A value is read as TOML (`3`, `true`, `[1, 2]`, `"text"`), else as Python (`.5`, `True`,
    `None`, `(1, 2)`), else as text.

    Raises:
        ConfigError: naming every assignment without a key or an equals sign.
    """
    assignments = list(assignments)
    bad = [text for text in assignments if not _ASSIGNMENT.fullmatch(text)]
    if bad:
        raise ConfigError(
            f"--set needs key=value, found {', '.join(map(SHORT.repr, bad))}: write "
            "--set optim.lr=0.001"
        )
    result: dict[str, Any] = {}
    for assignment in assignments:
        key, _, text = assignment.partition("=")
        result = merge(result, nested(key.rstrip(), _parse_value(text.strip())))
    return result


def _parse_value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return _parse_python(text)
    return found["value"] if len(found) == 1 else text


def _parse_python(text: str) -> Any:
    """A Python number, list, tuple or dictionary; any other text as it is."""
    try:
        if _DECIMAL.fullmatch(text):
            return float(text)
        if text.startswith(("(", "[", "{")):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns of odd literals such as "1and"
                return _as_json(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    return text


def _as_json(value: Any) -> Any:
    """The value with lists for tuples.

    Raises:
        TypeError: for a value that JSON does not have.
    """
    if isinstance(value, list | tuple):
        return [_as_json(part) for part in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _as_json(part) for key, part in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(type(value).__name__)
