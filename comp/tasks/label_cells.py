"""How the label cells of a row in a CSV become the target of a sample."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from comp.contract.sample import Target
from comp.contract.task import Task, no_names
from comp.data.text_table import list_of
from comp.tasks.cell_values import (
    FLAGS,
    flag_of,
    hint_about,
    index_of_name,
    near_name,
    number_of,
    reversed_flags,
)
from comp.tasks.name_words import mentioned, misplaced

_NUMBER = re.compile(r"\s*[+-]?\.?\d")

Form = Literal["class", "labels", "numbers"]


def form_of(task: Task) -> Form:
    """What a target of a task is: a class index, one 0 or 1 for each label, or numbers."""
    if task.label_names is no_names:
        return "numbers"
    return "class" if not task.check(0.0) else "labels"


def looks_like_number(name: str) -> bool:
    """Whether a name begins like a number: "1", "-0.5", "007"."""
    return bool(_NUMBER.match(name))


def grade_numbers(names: Sequence[str]) -> tuple[float, ...]:
    """The number of each grade: its name, if all names are numbers, else its index."""
    numbers = [number_of(name) for name in names]
    known = tuple(number for number in numbers if number is not None)
    return known if len(known) == len(names) else tuple(map(float, range(len(names))))


@dataclass(frozen=True, kw_only=True)
class LabelCells:
    """Reads the targets of `task` from the cells of `columns`.

    - classes: the name of a class in one column; or its index, from 0, unless a name of a class
      looks like a number, or the column has the name of a class (but for the second of two, whose
      index is 1), or contains that of the first of two. True and yes are the index 1, false and no
      the index 0 of two classes; of classes such as "no" and "yes" or "0" and "1", they are the
      class of the same meaning. With one column per class, exactly one of them is 1.
    - several labels: their names in one column, with `separator` between them; or one column per
      label with 0 or 1. A blank cell is an error, unless `allow_blank` makes it "no label".
    - numbers: one column each.
    """

    task: Task
    columns: tuple[str, ...]
    separator: str = ""
    allow_blank: bool = False

    @cached_property
    def form(self) -> Form:
        """What a target is."""
        return form_of(self.task)

    def target(self, cells: Sequence[str | None]) -> Target:
        """The target of a row; None if its cells are not valid (`problem` says why)."""
        if self.form == "numbers":
            numbers = [number_of(cell) for cell in cells]
            values = tuple(number for number in numbers if number is not None)
            target: Target = values[0] if len(cells) == 1 and values else values
            return None if len(values) < len(cells) or self.task.check(target) else target
        if self.form == "labels" and self.separator:
            return self._named(cells[0])
        if self.form == "class" and len(cells) == 1:
            return self._class(cells[0])
        flags = tuple(value for value in map(flag_of, cells) if value is not None)
        if len(flags) < len(cells):
            return None
        if self.form == "labels":
            return tuple(flags)
        return float(flags.index(1.0)) if flags.count(1.0) == 1 else None

    def problem(self, cells: Sequence[str | None]) -> str:
        """What is wrong with the cells of a row: the label 'cow', which is not one of ..."""
        labels = self.task.labels
        if self.form == "labels" and self.separator:
            wrong = [name for name in self._split(cells[0] or "") if name not in labels]
            return f"the label {self._unknown(wrong[0] if wrong else '')}"
        if self.form == "class" and len(cells) == 1:
            return f"the {self.columns[0]} {self._unknown(cells[0])}{self._about_index(cells[0])}"
        number = self.form == "numbers"
        for column, cell in zip(self.columns, cells, strict=True):
            if (number_of(cell) if number else flag_of(cell)) is None:
                kind = "a number" if number else "0 or 1"
                return f"the {column} '{cell or ''}', which is not {kind}{hint_about(cell)}"
        if number:
            values = ", ".join(str(cell) for cell in cells)
            target = tuple(float(str(cell)) for cell in cells)
            problem = self.task.check(target if len(target) > 1 else target[0])
            return f"the {list_of(self.columns, 5)} {values}, which {problem}"
        return f"not exactly one 1 in the columns of the {len(labels)} classes ({list_of(labels)})"

    def _unknown(self, name: str | None) -> str:
        """A name that is not a label, and the labels."""
        labels = self.task.labels
        noun = "labels" if self.form == "labels" else "classes"
        near = near_name(name or "", labels)
        known = list_of(labels) + f"; did you mean '{near}'?" * bool(near)
        return (
            f"'{name or ''}', which is not one of the {len(labels)} {noun} ({known})"
            f"{hint_about(name)}"
        )

    def _about_index(self, cell: str | None) -> str:
        """Why a number is not the index of a class."""
        names, column = self.task.labels, self.columns[0]
        if flag_of(cell) is None or any(looks_like_number(name) for name in names):
            known = number_of(cell) is not None and self._indices
            return f", whose numbers are 0 to {len(names) - 1}" * bool(known)
        if self._indices:
            return ""
        if len(names) == 2:
            return f"; 1 seems to mean '{names[0]}', the first class: swap the classes of the task"
        return f"; 1 in a column '{column}' says nothing about the other classes"

    def mixed(self, rows: Sequence[Sequence[str | None]]) -> tuple[int, int] | None:
        """The first row with the name, and the first with the index of a class, if one column has
        both: then the same class may have two names."""
        if self.form != "class" or len(self.columns) > 1:
            return None
        rows_of = {cell: number for number, (cell,) in reversed(list(enumerate(rows)))}
        valid = {cell: row for cell, row in rows_of.items() if self._class(cell) is not None}
        named = {
            c: row for c, row in valid.items() if index_of_name(c, self.task.labels) is not None
        }
        numbered = [row for cell, row in valid.items() if cell not in named]
        return (min(named.values()), min(numbered)) if named and numbered else None

    def text(self, cells: Sequence[str | None]) -> str | None:
        """The cells of a row that are not valid, for an audit; None if all are blank."""
        present = [cell for cell in cells if cell]
        return ", ".join(present) if present else None

    def _class(self, cell: str | None) -> float | None:
        names = self.task.labels
        index = index_of_name(cell, names)
        if index is not None:
            return float(index)
        number = number_of(cell)
        if number is None:
            return self._of_flag(cell)
        return number if number in self._indices else None

    def _of_flag(self, cell: str | None) -> float | None:
        """The class of a cell such as True or no; None if it could mean the other one."""
        names, flag = self.task.labels, flag_of(cell)
        if flag is None or len(names) != 2:
            return None
        meanings = [flag_of(name) for name in names]
        if set(meanings) == {0.0, 1.0}:
            return None if self._is_about_first else float(meanings.index(flag))
        named = any(name.casefold() in FLAGS for name in names)
        return None if named or flag not in self._indices else flag

    @cached_property
    def _is_about_first(self) -> bool:
        """Whether 1 in the column means the first of two classes, as in "is_cat" for "cat" and
        "dog"."""
        names, column = self.task.labels, self.columns[0]
        return column == names[0] or mentioned(column, names) == {names[0]}

    @cached_property
    def _indices(self) -> range:
        """The indices of the classes; empty if a number could mean something else."""
        names, column = self.task.labels, self.columns[0]
        if any(looks_like_number(name) for name in names):
            return range(0)  # "0" could be the first of the classes "1", "2", "3", or a mistake
        if reversed_flags(names):
            return range(0)  # 1 means yes almost everywhere, and would be "no"
        if column in names and not (len(names) == 2 and column == names[1]):
            return range(0)  # 1 in the column "cat" is a cat, and not the second of "cat" and "dog"
        if len(names) == 2 and self._is_about_first:
            return range(0)  # the same of "is_cat"
        return range(len(names))

    def _named(self, cell: str | None) -> tuple[float, ...] | None:
        names, labels = self._split(cell or ""), self.task.labels
        if not set(names) <= set(labels) or not (names or self.allow_blank):
            return None
        return tuple(float(label in names) for label in labels)

    def _split(self, cell: str) -> list[str]:
        return [part.strip() for part in cell.split(self.separator) if part.strip()]


def label_cells_of(
    task: Task, column: str | None, columns: tuple[str, ...], separator: str, allow_blank: bool
) -> LabelCells:
    """The label columns, checked.

    Raises:
        ValueError: they contradict each other, or do not fit the task.
    """
    if task.output == "image":
        raise ValueError(f"image_table has a CSV of labels, but the task predicts {task.kind}")
    form, names = form_of(task), task.labels
    if column and columns:
        raise ValueError(f"label_column = {column!r} and label_columns are set: give only one")
    if separator and form != "labels":
        raise ValueError(f"separator = {separator!r} is for several labels, not for {task.kind}")
    if separator and columns:
        raise ValueError("separator is for names in one column: give label_column")
    mixed = [name for name in names if separator and separator in name]
    if mixed:
        raise ValueError(f"the label {mixed[0]!r} contains the separator {separator!r}")
    if not columns:
        several = not column and (form == "numbers" or (form == "labels" and not separator))
        columns = names if several else (column or "label",)
    one = bool(separator) or (form == "class" and len(columns) == 1)
    needed = 1 if one else len(names)
    if len(columns) != needed:
        raise ValueError(
            f"the task ({task.kind}) needs {_columns(needed)} of labels, found {len(columns)}: "
            "correct label_columns"
            + (", or give the separator of the names in one column" * (form == "labels"))
        )
    wrong = None if one else misplaced(columns, names)
    if wrong:
        raise ValueError(
            f"label_columns has {wrong[0]!r} in the place of the label {wrong[1]!r}: give "
            "label_columns and the task's labels the same order"
        )
    return LabelCells(task=task, columns=columns, separator=separator, allow_blank=allow_blank)


def _columns(count: int) -> str:
    return f"{count} column{'s' * (count != 1)}"
