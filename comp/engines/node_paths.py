"""Paths of the machine of the run as those of a node that has the files elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from comp.files import read_json, write_json


@dataclass(frozen=True)
class Moves:
    """Where folders and files of the machine of the run are on this machine, if elsewhere."""

    paths: Mapping[str, str] = field(default_factory=dict)

    def text(self, text: str) -> str:
        """A path as text, or any other text, which does not change."""
        for before, after in self.paths.items():
            if text == before or text.startswith(before + os.sep):
                return after + text[len(before) :]
        return text

    def value(self, value: Any) -> Any:
        """A value with its paths moved: those in lists, tuples, mappings and configurations."""
        if not self.paths:
            return value
        if isinstance(value, Path):
            return type(value)(self.text(str(value)))
        if isinstance(value, BaseModel):
            fields = {name: self.value(getattr(value, name)) for name in type(value).model_fields}
            changed = {n: v for n, v in fields.items() if v is not getattr(value, n)}
            return value.model_copy(update=changed) if changed else value
        if type(value) is dict:
            return {key: self.value(item) for key, item in value.items()}
        if type(value) in (list, tuple):
            moved = type(value)(map(self.value, value))
            return value if all(a is b for a, b in zip(value, moved, strict=True)) else moved
        return value

    def json(self, value: Any) -> Any:
        """JSON with its paths moved: texts, and keys of objects."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.json(item) for key, item in value.items()}
        return value

    def rewrite(self, folder: Path) -> None:
        """Move the paths in the JSON files of a folder."""
        for file in sorted(folder.glob("*.json")) if self.paths else ():
            before = read_json(file)
            after = self.json(before)
            if after != before:
                write_json(file, after)


def paths_in(value: Any) -> Iterator[Path]:
    """The paths in an argument of a task: also in lists, tuples, mappings and configurations."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from paths_in(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from paths_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from paths_in(item)


def paths_in_json(value: Any) -> Iterator[Path]:
    """The absolute paths that exist among the texts of JSON; keys are not among them."""
    if isinstance(value, str):
        if value.startswith(os.sep) and len(value) < 4096 and Path(value).exists():
            yield Path(value)
    elif isinstance(value, list):
        for item in value:
            yield from paths_in_json(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from paths_in_json(item)
