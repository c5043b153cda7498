"""Training samples that do not train, because their labels are probably wrong: `drop = FILE`.

They stay in their folds, are predicted by the models of the fold that holds them out, and are
scored: leaving hard samples out of a score would make it better without a better model.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from comp.contract.sample import Sample
from comp.data.columns.cells import meaning
from comp.data.units import unit_of
from comp.errors import DataError, RunError
from comp.files import read_json, sha256, write_json

if TYPE_CHECKING:
    from comp.contract.task import Task

POINTER = "dropped.json"
COLUMN = "id"
MARK = "mark"
"""The column of a list that says which sample each id meant, by `mark_of`."""
_IS_MARK = re.compile(r"[0-9a-f]{8}-([0-9a-f]{8})?|-[0-9a-f]{8}")
_GIVEN, _LABEL = "given", "label"
"""Columns of suspects.csv: the label that a sample had, and which of several labels this is."""
_FORM = "give a CSV file with the column id, or a text file with one id a line"
_COUNTS = re.compile(r"(external-\d+/)?(row_)?\d+")
"""Ids that may count rows: after an edit of the table they stand for other rows."""
_NUMBERED = re.compile(r"(external-\d+/)?row_\d+")
"""The ids of a table without ids, which are the numbers of its rows."""


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """The samples that do not train."""

    file: Path
    sha256: str
    """Of the bytes of the file."""
    ids: Sequence[str]
    """Ids of samples, in the order of the data."""
    notes: Sequence[str] = field(default=(), compare=False)
    """What the user should know of the file."""

    def record(self) -> dict[str, Any]:
        """What run.json contains."""
        return {"file": str(self.file), "sha256": self.sha256, "samples": len(self.ids)}


def mark_of(sample: Sample) -> str:
    """What a sample is: short hashes of its cells and of its target, such as "3f2a91c0-77b01e5d".

    The order of the columns does not count, and cells that mean the same are equal. A part is ""
    if the sample has no cells, or no target of numbers.
    """
    cells = sorted((str(name), _meaning(cell)) for name, cell in sample.features.items())
    numbers: list[float] = []
    if sample.target is not None:
        with suppress(TypeError, ValueError, OverflowError):  # a path, or it is refused later
            numbers = np.asarray(sample.target, dtype=np.float64).ravel().tolist()
    return f"{_hash(cells)}-{_hash(numbers)}"


def _meaning(cell: Any) -> str:
    """Text that is equal for cells that mean the same. Of what is no cell, such as a list of boxes
    that a plugin's own reader uses, it is only the kind."""
    try:
        return meaning(cell)
    except (TypeError, ValueError, OverflowError):
        return type(cell).__name__


def _hash(values: Sequence[object]) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:8] if values else ""


def read_dropped(path: Path, samples: Sequence[Sample], task: Task | None = None) -> Dropped:
    """Read the file of `drop`. The id of a unit drops all its samples, and an id may be repeated.

    Args:
        samples: all training samples of the run.
        task: names the labels that the list may have in its column `given`.

    Raises:
        DataError: the file cannot be read, has no ids, names samples that do not exist, or numbers
            of rows that stand for other rows than when the list was made.
    """
    rows = _read_rows(path)
    names = {row[COLUMN] for row in rows}
    known = {sample.id for sample in samples} | {unit_of(sample) for sample in samples}
    unknown = sorted(names - known)
    if unknown:
        raise DataError(
            f"drop = {path} names {len(unknown)} of {len(names)} ids that no training sample has, "
            f"the first is '{unknown[0]:.80}': {_FORM}; the ids are those of folds.csv in a run"
        )
    chosen = [sample for sample in samples if sample.id in names or unit_of(sample) in names]
    notes = _compare(path, rows, chosen, task)
    return Dropped(file=path, sha256=sha256(path), ids=[s.id for s in chosen], notes=notes)


def _compare(
    path: Path, rows: Sequence[Mapping[str, str]], samples: Sequence[Sample], task: Task | None
) -> list[str]:
    """What the user should know of ids that mean other samples than when the list was made.

    Raises:
        DataError: they count rows, so that the table was edited meanwhile.
    """
    by_name: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        for name in {sample.id, unit_of(sample)}:
            by_name[name].append(sample)
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        differences = {_difference(row, sample, task) for sample in by_name[row[COLUMN]]}
        found[min(differences, key=_ORDER.index)].add(row[COLUMN])
    total = len({row[COLUMN] for row in rows})
    moved = sorted(name for name in found["sample"] if _counts_rows(name, by_name[name]))
    if moved:
        raise DataError(
            f"drop = {path}: {len(moved)} of {total} ids count rows and stand for other rows than "
            f"when the list was made, the first is '{moved[0]}': make the list again from the "
            f"edited table, or remove the columns {MARK} and {_GIVEN} from it if the ids are right"
        )
    changed = sorted(found["sample"] | found["label"])
    if changed:
        return [
            f"drop = {path}: {len(changed)} of {total} samples have changed since the list was "
            f"made, the first is '{changed[0]:.80}': remove from the list those that must train"
        ]
    if any(_NUMBERED.fullmatch(name) for name in found["unknown"]):
        return [
            f"drop = {path} names rows by their numbers alone: if the table was edited since the "
            "list was made, these are other rows; lists of comp suspects and of reports have the "
            f"column {MARK}, which tells"
        ]
    return []


def _counts_rows(name: str, samples: Sequence[Sample]) -> bool:
    """Whether an id may be the number of a row, and is not the name of an image file."""
    named = any(sample.image and sample.image.stem == name for sample in samples)
    return bool(_COUNTS.fullmatch(name)) and not named


_ORDER = ("", "label", "sample", "unknown")
"""What `_difference` returns; of the samples of a unit, the first of these counts."""


def _difference(
    row: Mapping[str, str], sample: Sample, task: Task | None
) -> Literal["", "label", "sample", "unknown"]:
    """How a sample differs from what its line in a list says: not at all, in its "label" alone, or
    so that it may be another "sample"; "unknown" if the line says nothing."""
    if _IS_MARK.fullmatch(row.get(MARK, "")):
        cells, _, target = row[MARK].partition("-")
        now, _, target_now = mark_of(sample).partition("-")
        if cells != now or (target != target_now and not cells):
            return "sample"
        return "" if target == target_now else "label"
    given = _given_now(sample, row.get(_LABEL, ""), task)
    if row.get(_GIVEN, "") not in given:
        return "unknown"
    return "" if row[_GIVEN] == given[0] else "sample"


def _given_now(sample: Sample, label: str, task: Task | None) -> tuple[str, ...]:
    """The label of a sample as `comp suspects` writes it, and all labels that it could be; () if it
    has none."""
    if task is None or task.check(sample.target):
        return ()
    names = task.label_names(sample.target)
    if task.suspects == "labels":
        return ("yes" if label in names else "no", "yes", "no") if label in task.labels else ()
    return (names[0], *task.labels) if len(names) == 1 else ()


def _read_rows(path: Path) -> list[dict[str, str]]:
    """The lines of a file by column, with an id each: of the column `id`, or the lines.

    Raises:
        DataError: the file cannot be read, has no ids, or is a table without this column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            text = stream.read()
        header = next(csv.reader(StringIO(text, newline="")), [])
        if COLUMN in header:
            lines = csv.DictReader(StringIO(text, newline=""))  # cells may have several lines
            known = {COLUMN, MARK, _GIVEN, _LABEL} & set(header)
            rows = [{name: line[name] or "" for name in known} for line in lines]
        elif path.suffix.lower() == ".csv" and len(header) > 1:
            columns = ", ".join(header)
            raise DataError(f"drop = {path} has no column 'id', only {columns:.80}: {_FORM}")
        else:
            rows = [{COLUMN: line.strip()} for line in StringIO(text, newline=None)]
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"cannot read drop = {path} ({reason}): {_FORM}") from None
    found = [row for row in rows if row[COLUMN]]
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
