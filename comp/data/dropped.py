"""Training samples that do not train, because their labels are probably wrong: `drop = FILE`.

They stay in their folds, are predicted by the models of the fold that holds them out, and are
scored: leaving hard samples out of a score would make it better without a better model.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from comp.contract.sample import Sample
from comp.data.units import unit_of
from comp.errors import DataError, RunError
from comp.files import read_json, sha256, write_json

POINTER = "dropped.json"
COLUMN = "id"
_FORM = "give a CSV file with the column id, or a text file with one id a line"


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """The samples that do not train."""

    file: Path
    sha256: str
    """Of the bytes of the file."""
    ids: Sequence[str]
    """Ids of samples, in the order of the data."""

    def record(self) -> dict[str, Any]:
        """What run.json contains."""
        return {"file": str(self.file), "sha256": self.sha256, "samples": len(self.ids)}


def read_dropped(path: Path, samples: Sequence[Sample]) -> Dropped:
    """Read the file of `drop`. The id of a unit drops all its samples, and an id may be repeated.

    Args:
        samples: all training samples of the run.

    Raises:
        DataError: the file cannot be read, has no ids, or names samples that do not exist.
    """
    names = set(_read_ids(path))
    known = {sample.id for sample in samples} | {unit_of(sample) for sample in samples}
    unknown = sorted(names - known)
    if unknown:
        raise DataError(
            f"drop = {path} names {len(unknown)} of {len(names)} ids that no training sample has, "
            f"the first is '{unknown[0]:.80}': {_FORM}; the ids are those of folds.csv in a run"
        )
    ids = [sample.id for sample in samples if sample.id in names or unit_of(sample) in names]
    return Dropped(file=path, sha256=sha256(path), ids=ids)


def _read_ids(path: Path) -> list[str]:
    """The ids in a file: of the column `id`, or the lines.

    Raises:
        DataError: the file cannot be read, has no ids, or is a table without this column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            text = stream.read()
        header = next(csv.reader(StringIO(text, newline="")), [])
        if COLUMN in header:
            rows = csv.DictReader(StringIO(text, newline=""))
            ids = [row[COLUMN] or "" for row in rows]  # which may have several lines
        elif path.suffix.lower() == ".csv" and len(header) > 1:
            columns = ", ".join(header)
            raise DataError(f"drop = {path} has no column 'id', only {columns:.80}: {_FORM}")
        else:
            ids = [line.strip() for line in StringIO(text, newline=None)]
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"cannot read drop = {path} ({reason}): {_FORM}") from None
    found = [name for name in ids if name]
    if not found:
        raise DataError(f"drop = {path} names no sample: {_FORM}, or leave drop out")
    return found


def without_dropped(samples: Sequence[Sample], ids: Collection[str]) -> list[Sample]:
    """The samples of the training part of a fold that train."""
    names = frozenset(ids)
    return [sample for sample in samples if sample.id not in names]


def trained(part: Sequence[Sample], path: Path | None, folder: Path) -> Sequence[Sample]:
    """The samples of the training part of a fold that train, by the file of `write_pointer`.

    Args:
        path: the key `drop` of the run.
        folder: with the file.

    Raises:
        RunError: the file is damaged, or missing though the run drops samples.
    """
    if path is None:
        return part
    dropped = read_pointer(folder)
    if dropped is None:
        raise RunError(
            f"{folder / POINTER} is missing, so the samples of drop = {path} would train: resume "
            "the run, or start a new one"
        )
    return without_dropped(part, dropped.ids)


def dropped_units(samples: Sequence[Sample], ids: Collection[str]) -> frozenset[str]:
    """The ids of predictions all of whose samples are dropped."""
    names = frozenset(ids)
    kept = Counter(unit_of(sample) for sample in samples if sample.id not in names)
    return frozenset(unit_of(s) for s in samples if s.id in names and not kept[unit_of(s)])


def write_pointer(folder: Path, dropped: Dropped | None) -> None:
    """Write the ids to a file in `folder`, if there are any."""
    if dropped:
        write_json(folder / POINTER, dropped.record() | {"ids": list(dropped.ids)})


def read_pointer(folder: Path) -> Dropped | None:
    """Read the file of `write_pointer`; None without it.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / POINTER
    if not path.is_file():
        return None
    try:
        values = read_json(path)
        ids = [str(name) for name in values["ids"]]
        return Dropped(file=Path(values["file"]), sha256=str(values["sha256"]), ids=ids)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} is damaged ({error}): start a new run") from None
