"""Types of single keys of a configuration, and what they accept on the command line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

MAX_DEPTH = 10
"""Levels of a key, and of the arguments of a backbone."""


def _none_to_text(value: object) -> object:
    """`--set freeze=none` arrives as None."""
    return "none" if value is None else value


def _check_freeze(value: int | str) -> int | str:
    if value in ("none", "all") or isinstance(value, int):
        return value
    raise ValueError("write none, all, or a number of stages")


Freeze = Annotated[int | str, BeforeValidator(_none_to_text), AfterValidator(_check_freeze)]


def _check_full(value: Any) -> bool | float:
    if isinstance(value, bool) or (isinstance(value, int | float) and 0 < value < math.inf):
        return value
    raise ValueError("write true, false, or a number above 0")


Full = Annotated[bool | float, BeforeValidator(_check_full)]
"""Whether there is a model of all samples, or as how many folds it counts."""


def _check_depth(value: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        groups = [g for g in level if isinstance(g, dict | list)]
        level = [v for g in groups for v in (g.values() if isinstance(g, dict) else g)]
    if any(isinstance(v, dict | list) for v in level):
        raise ValueError(f"write at most {MAX_DEPTH} nested levels")
    return value


def _one_to_list(value: object) -> object:
    """`--set external=extra.zip` gives one path."""
    return [value] if isinstance(value, str | Path) else value


AbsolutePath = Annotated[Path, Field(strict=False), AfterValidator(Path.absolute)]
"""A path that a run finds again when it resumes in another working folder."""
Paths = Annotated[list[AbsolutePath], BeforeValidator(_one_to_list)]
Arguments = Annotated[dict[str, Any], AfterValidator(_check_depth)]
