"""What the writer of a format returns: its files, and how they were checked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comp.export.check import Agreement
from comp.export.networks import Part
from comp.pipeline.fold_columns import TREATMENT
from comp.pipeline.run_oof import RunOof

OnStage = Callable[[str], None]
"""Gets what happens now, in a few words."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file with one or several models."""

    path: Path
    parts: Sequence[Part]
    columns: str = ""
    """The name of the file with the treatment of the columns, "" without columns."""
    inputs: Mapping[str, tuple[str, tuple[int | str, ...]]] = field(default_factory=dict)
    """Of a file of columns: its own, since each treats the columns in its own way."""

    @property
    def weight(self) -> float:
        """The share of the file in the mean of all files."""
        return sum(part.weight for part in self.parts)


@dataclass(frozen=True, kw_only=True)
class Built:
    """The files of a format."""

    files: Sequence[File]
    agreement: Agreement
    """How far the files are from the networks of the run; of several files, the farthest."""
    inputs: Mapping[str, tuple[str, tuple[int | str, ...]]]
    """Type and shape of each input; a shape has names for what may be of any length."""
    output: tuple[int | str, ...]
    how: Mapping[str, Any] = field(default_factory=dict)
    """What only the format knows, such as the opset."""
    notes: Sequence[str] = ()
    blend: Mapping[str, Any] | None = None
    """How far the mean of all files is from the run, if there are several of columns."""


def in_files(run: RunOof, parts: Sequence[Part]) -> list[tuple[str, list[Part]]]:
    """The names of files without suffix, and the networks in each: all in one, unless each fold
    treats columns in its own way."""
    if run.competition.columns:
        return [(part.name, [part]) for part in parts]
    return [("model", list(parts))]


def copy_columns(run: RunOof, part: Part, folder: Path) -> str:
    """Copy the treatment of the columns of a network beside its file; returns its name, "" without
    columns."""
    if not run.competition.columns:
        return ""
    name = f"{part.name}-columns.json"
    shutil.copyfile(part.folder / TREATMENT, folder / name)
    return name


def farthest(found: Sequence[Agreement]) -> Agreement:
    """The agreement of the file that is farthest from the networks of the run."""
    return max(found, key=lambda each: each.largest / each.limit)


def shapes_of(
    batch: Mapping[str, Any], dense: bool, outputs: int
) -> tuple[dict[str, tuple[str, tuple[int | str, ...]]], tuple[int | str, ...]]:
    """Types and shapes of the inputs and the shape of the output, from the inputs of a batch."""
    sides: tuple[int | str, ...] = ("height", "width")
    inputs: dict[str, tuple[str, tuple[int | str, ...]]] = {}
    for name, values in batch.items():
        rest = values.shape[1:]
        free = dense and name == "image"
        shape = ("batch", *sides, *rest[2:]) if free else ("batch", *rest)
        inputs[name] = str(values.dtype), tuple(shape)
    return inputs, ("batch", *sides, outputs) if dense else ("batch", outputs)
