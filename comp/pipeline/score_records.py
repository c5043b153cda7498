"""The further scores of a task as JSON, and tables of many classes as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from comp.files import write_text
from comp.inference.scores import SHOWN, Scores

MOST_CELLS = 100
"""More classes than this have no confusion matrix in JSON; confusion.csv has it."""


def score_records(scores: Sequence[Any]) -> list[Mapping[str, Any]]:
    """The scores as JSON, with the confusion matrix of up to 100 classes."""
    return [
        asdict(replace(one, confusion=()) if len(one.confusion) > MOST_CELLS else one)
        for one in scores
    ]


def write_class_tables(folder: Path, scores: Sequence[Any]) -> None:
    """Write classes.csv, a row for each class, and confusion.csv, a row for each pair of a class
    and a decision that occurs, if there are more classes than the terminal shows."""
    last: Scores | None = scores[-1] if scores else None
    if last is None or len(last.confusion) <= SHOWN:
        return
    _write(folder / "classes.csv", _HEADER, _class_rows(last))
    cells = (
        (last.classes[truth], last.classes[decided], count)
        for truth, row in enumerate(last.confusion)
        for decided, count in enumerate(row)
        if count
    )
    _write(folder / "confusion.csv", ("class", "decided", "samples"), cells)


_HEADER = ("class", "samples", "decided", "correct", "sensitivity", "low", "high")


def _class_rows(scores: Scores) -> Iterator[tuple[Any, ...]]:
    decided = [sum(column) for column in zip(*scores.confusion, strict=True)]
    for k, name in enumerate(scores.classes):
        found = scores.estimates.get(f"sensitivity of {name}")
        row = scores.confusion[k]
        ends = (found.value, found.low, found.high) if found else (None, None, None)
        yield name, sum(row), decided[k], row[k], *ends


def _write(path: Path, header: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, stream.getvalue())
