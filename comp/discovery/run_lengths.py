"""Run lengths in a table: their columns, classes and format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from comp.discovery.conclusion import Certainty, Missing
from comp.discovery.evidence import Evidence
from comp.discovery.label_table import LabelTable
from comp.discovery.tables import DataTable, words_of

READ = 64
"""Cells whose format is looked at, and images whose size is read for it."""
_CLASS = re.compile(r"^(.+)_([^_]+)$")
_CLASS_WORDS = frozenset({"class", "classes", "label", "category"})


@dataclass(frozen=True)
class RunLengths:
    """The columns of a table of run lengths."""

    id_column: str
    columns: tuple[str, ...]
    rle_column: str | None
    """The only column of run lengths; None if each class has one."""
    class_column: str | None
    classes: tuple[str, ...]
    joined: bool
    """Whether ids are `<image>_<class>`."""
    images: tuple[str, ...]
    """The ids of the images in the table."""
    why: str
    why_classes: str
    certainty: Certainty = "sure"
    missing: tuple[Missing, ...] = ()
    join: bool = False
    """Whether several rows of an image are objects, which become one mask."""
    cells: tuple[tuple[str, str], ...] = ()
    """Some (image, run lengths)."""
    sample_cells: tuple[str | None, ...] = ()

    @property
    def taken(self) -> tuple[str, ...]:
        """The columns beside the ids."""
        return (*self.columns, *([self.class_column] if self.class_column else []))

    def images_of(self, ids: Iterable[str]) -> list[str]:
        """The images of ids."""
        if not self.joined:
            return list(dict.fromkeys(ids))
        return list(dict.fromkeys(i.rpartition("_")[0] for i in ids))


def rle_columns(table: DataTable) -> tuple[str, ...]:
    """The columns whose cells are run lengths, or blank."""
    from comp.submission.rle import EMPTY_MARKS, RUNS

    runs = re.compile(RUNS)
    found = []
    for name in table.columns:
        column = table.glance(name)
        cells = [text for text in column.counts if text not in EMPTY_MARKS]
        pairs = [text for text in cells if runs.match(text)]
        if cells and len(pairs) == len(cells) and all(map(_rising, cells[:READ])):
            found.append(name)
    return tuple(found)


def _rising(cell: str) -> bool:
    """Whether the starts of runs rise, as those of label lists do not."""
    numbers = list(map(int, cell.split()))
    starts, lengths = numbers[::2], numbers[1::2]
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    return all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def run_lengths_of(evidence: Evidence, chosen: LabelTable | None) -> RunLengths | None:
    """The run lengths of a table, None if it has none."""
    if chosen is None:
        return None
    table, submission = chosen.table, evidence.roles.submission
    columns = rle_columns(table)
    if not columns:
        return None
    ids = table.column(chosen.id_column)
    made: dict[str, Any] = {"id_column": chosen.id_column, "columns": columns, "joined": False}
    made["why"] = f"cells such as '{_first_cell(table, columns[0]):.30}' are starts and lengths"
    made["images"] = tuple(ids.counts)
    if len(columns) > 1:
        return RunLengths(
            **made, rle_column=None, class_column=None, classes=columns,
            why_classes="each class has a column", cells=_some(table, chosen.id_column, columns[0]),
        )  # fmt: skip
    made["rle_column"] = columns[0]
    class_column = _class_column(table, chosen.id_column, columns, submission)
    if class_column:
        names = tuple(sorted(table.column(class_column).counts, key=_natural))
        why = f"the column {class_column} has them"
        made |= {"class_column": class_column, "classes": names, "why_classes": why}
    else:
        left = _unused_classes(table, chosen.id_column, columns)
        why = "nothing names further classes"
        if left:
            why = f"no sample submission has the column {left}, so its classes become one mask"
        made |= {"class_column": None, "classes": ("mask",), "why_classes": why}
        made["certainty"] = "guess" if left else "likely"
    missing = _missing(table, columns[0], class_column, submission)
    cells = _some(table, chosen.id_column, columns[0])
    sample = _sample_cells(submission, columns[0])
    join = class_column is None and not ids.unique
    return RunLengths(**made, missing=missing, cells=cells, sample_cells=sample, join=join)


def joined_table(evidence: Evidence, table: DataTable) -> tuple[LabelTable, RunLengths] | None:
    """A table of run lengths whose ids are `<image>_<class>`; None if it is not one."""
    columns = rle_columns(table)
    for name in table.columns if len(columns) == 1 else ():
        ids = table.column(name)
        parts = [_CLASS.match(text) for text in ids.counts]
        if name in columns or not ids.unique or not all(parts):
            continue
        images = list(dict.fromkeys(match[1] for match in parts if match))
        classes = tuple(sorted({match[2] for match in parts if match}, key=_natural))
        if len(classes) * len(images) != len(parts) or evidence.names.share(images[:1000]) < 0.5:
            continue
        chosen = LabelTable(table, name, 1.0)
        cells = tuple((i.rpartition("_")[0], cell) for i, cell in _some(table, name, columns[0]))
        runs = RunLengths(
            id_column=name,
            columns=columns,
            rle_column=columns[0],
            class_column=None,
            classes=classes,
            joined=True,
            images=tuple(images),
            why=f"cells such as '{_first_cell(table, columns[0]):.30}' are starts and lengths",
            why_classes=f"ids such as '{next(iter(ids.counts))}' end with them",
            cells=cells,
            sample_cells=_sample_cells(evidence.roles.submission, columns[0]),
        )
        return chosen, runs
    return None


def _first_cell(table: DataTable, column: str) -> str:
    from comp.submission.rle import EMPTY_MARKS

    return next((t for t in table.glance(column).counts if t not in EMPTY_MARKS), "")


def _some(table: DataTable, id_column: str, column: str) -> tuple[tuple[str, str], ...]:
    from comp.submission.rle import EMPTY_MARKS

    pairs = zip(table.glance(id_column).cells, table.glance(column).cells, strict=True)
    full = [(i or "", c.strip()) for i, c in pairs if c and c.strip() not in (*EMPTY_MARKS, "")]
    return tuple(full[:READ])


def _sample_cells(submission: DataTable | None, column: str) -> tuple[str | None, ...]:
    if submission is None or column not in submission.columns:
        return ()
    return tuple(submission.glance(column).cells)


def _class_column(
    table: DataTable, id_column: str, columns: Sequence[str], submission: DataTable | None
) -> str | None:
    """The column of the class: the sample submission has it too, and an image has each class at
    most once."""
    for name in table.columns:
        column = table.glance(name)
        if name in (id_column, *columns) or not 2 <= column.distinct <= 100:
            continue
        if submission is None or name not in submission.columns:
            continue
        return name
    return None


def _unused_classes(table: DataTable, id_column: str, columns: Sequence[str]) -> str:
    """The column of classes that the sample submission does not have; "" if there is none."""
    names = [name for name in table.columns if name not in (id_column, *columns)]
    of_classes = [name for name in names if words_of(name) & _CLASS_WORDS]
    return next((name for name in of_classes if 2 <= table.glance(name).distinct <= 100), "")


def _missing(
    table: DataTable,
    column: str,
    class_column: str | None,
    submission: DataTable | None,
) -> tuple[Missing, ...]:
    """What a table of run lengths has that cannot be read."""
    if class_column is None and submission is not None:
        ids = submission.column(submission.columns[0])
        if not ids.unique:
            name, count = ids.counts.most_common(1)[0]
            return (
                Missing(
                    question="What are several masks of one image?",
                    choices=(),
                    found=f"{submission.path} has {count} rows for '{name}', and no column of the "
                    "class",
                    advice="comp predicts one mask for each class, not objects of their own: write "
                    "a plugin with rows of your own",
                ),
            )
    if class_column and submission is not None:
        known = table.column(class_column).counts
        others = [c for c in submission.glance(class_column).counts if c not in known]
        if others:
            return (
                Missing(
                    question="What are the classes of the submission?",
                    choices=(),
                    found=f"{submission.path} has the {class_column} {others[0]}, which no row of "
                    f"{table.path} has ({', '.join(known)})",
                    advice="write a sample submission with a row for each image and each class, "
                    "which comp fills in",
                ),
            )
    if submission is not None and column not in submission.columns:
        return (
            Missing(
                question="Which column of the submission has the run lengths?",
                choices=(),
                found=f"{table.path} has them in {column}, and {submission.path} has "
                f"{', '.join(submission.columns)}",
                advice=f"rename the column {column} of {table.path} as in {submission.path}",
            ),
        )
    return ()


def _natural(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() else (10**9, name)
