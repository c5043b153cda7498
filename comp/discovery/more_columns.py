"""Columns beside images and labels: groups, times, and features of the network."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comp.discovery.conclusion import Finding
from comp.discovery.divided import divided_column
from comp.discovery.evidence import Evidence
from comp.discovery.folder_groups import folder_groups
from comp.discovery.groups import (
    GROUP_WORDS,
    ends_with_id,
    group_column,
    groups_in_ids,
    time_column,
)
from comp.discovery.groups_elsewhere import groups_elsewhere
from comp.discovery.table_columns import is_free_text
from comp.discovery.tables import Column, DataTable, words_of
from comp.discovery.values import Labels
from comp.tasks.name_groups import group_in

EXCLUSIVE = ("binary", "multiclass", "ordinal")
"""Kinds of labels of which an image has one."""
MOST_WHOLE = 0.5
"""Share of the images whose class may be in one group alone."""
MOST_SAID = 0.5
"""Share of the images whose group may be the number of their target."""
SEEN = 0.1
"""Share of the values of the test set that the training set has, from which on a text tells
something about test rows; of columns of ids, it is half of them."""


@dataclass(frozen=True)
class MoreColumns:
    """Arguments of the factory for groups, times and features, and what is said about them."""

    arguments: Mapping[str, Any]
    findings: tuple[Finding, ...]

    @property
    def grouped(self) -> bool:
        """Whether the images have groups."""
        return bool({"group_column", "group_pattern"} & self.arguments.keys())


def more_columns(
    evidence: Evidence, table: DataTable, id_column: str, labels: Labels
) -> MoreColumns:
    """Groups, times and columns beside the images of a table."""
    test = evidence.roles.test
    taken = {id_column, *labels.columns}
    arguments: dict[str, Any] = {}
    of_classes = _whole_classes(table, labels, taken)
    group, of_group = group_column(table, taken | of_classes, images=True, test=test, blanks=True)
    taken |= {group} if group else set()
    arguments |= {"group_column": group} if group else {}
    time, of_time = time_column(table, test, taken)
    arguments |= {"time_column": time} if time else {}
    pattern, of_ids = (None, None) if group else _in_ids(table, id_column, labels)
    arguments |= {"group_pattern": pattern} if pattern else {}
    if not group and not pattern:
        group, of_group = divided_column(table, test, taken | of_classes)
        taken |= {group} if group else set()
        arguments |= {"group_column": group} if group else {}
    leak = leak_in_ids(table.column(id_column), table.column(labels.columns[0]))
    findings = [finding for finding in (of_group, of_ids, of_time, leak) if finding]
    if not {"group_column", "group_pattern"} & arguments.keys():
        findings += groups_elsewhere(evidence, table, id_column)
    submitted = evidence.roles.submission is not None  # its ids are those of the test table
    times = {time} if time else set()
    features = _features(table, test if submitted else None, id_column, taken | times)
    if features and test is not None:
        arguments |= {"feature_columns": features, "test_table": test.path}
        count = f"{len(features)} column{'s' * (len(features) > 1)}"
        what = f"{count} beside the images: {_list(features)}"
        findings.append(Finding(what, f"{table.path} and {test.path} have them"))
    left = [n for n in table.columns if n not in taken and n not in features and n != time]
    if left:
        why = "the test set does not have them, or they have no values that repeat in it"
        findings.append(Finding(f"columns that are not used: {_list(left)}", why, "likely"))
    return MoreColumns(arguments, tuple(findings))


def _whole_classes(table: DataTable, labels: Labels, taken: Collection[str]) -> set[str]:
    """The columns that would be groups, and of which one value has whole classes, such as breed_id
    beside breed: to hold a group out would hold out its class."""
    if labels.kind not in EXCLUSIVE or len(labels.columns) != 1:
        return set()
    found = set()
    classes = table.column(labels.columns[0])
    several = {label: count for label, count in classes.counts.items() if count > 1}
    for name in table.columns:
        if name in taken or not (words_of(name) & GROUP_WORDS or ends_with_id(name)):
            continue
        values: dict[str, set[str]] = defaultdict(set)
        for label, value in zip(classes.cells, table.column(name).cells, strict=True):
            values[(label or "").strip()].add(value or "")
        whole = sum(count for label, count in several.items() if len(values[label]) == 1)
        if whole > MOST_WHOLE * sum(several.values()):
            found.add(name)
    return found


def _in_ids(table: DataTable, id_column: str, labels: Labels) -> tuple[str | None, Finding | None]:
    """The pattern of the groups in the names of images, which ids have at their end, or in those of
    their folders."""
    ids = [(cell or "").strip() for cell in table.glance(id_column).cells]
    cells = [cell or "" for cell in table.glance(labels.columns[0]).cells]
    regression = labels.kind == "regression"  # values of patients differ, as classes do
    classes = cells if len(labels.columns) == 1 and not regression else []
    paths = [name.replace("\\", "/") for name in ids]
    names = [path.rpartition("/")[2] for path in paths]
    found = groups_in_ids(names, classes)
    if not found[0]:
        exclusive = labels.kind in EXCLUSIVE
        found, names = folder_groups(paths, classes if exclusive else ()), paths
    if found[0] and regression and _say_values(found[0], names, cells):
        return None, None
    return found


def _say_values(pattern: str, names: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether most groups in names are the target of the image, such as age23/1.png of 23: to hold
    one out would hold out this target."""
    groups = [group_in(pattern, name) or "" for name in names]
    numbers = [re.search(r"[0-9]+$", group) for group in groups]
    values = [float(number[0]) if number else None for number in numbers]
    said = sum(value == _number(cell) for value, cell in zip(values, cells, strict=True) if cell)
    return said > MOST_SAID * len(cells)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def leak_in_ids(ids: Column, labels: Column) -> Finding | None:
    """A warning if ids contain the name of the class."""
    pairs = list(zip(ids.cells, labels.cells, strict=True))[:5000]
    if labels.kind != "text" or not pairs:
        return None
    hits = sum(
        (label or "").strip().lower() in (i or "").lower()
        for i, label in pairs
        if label and len(label.strip()) > 2
    )
    if hits < 0.5 * len(pairs):
        return None
    why = f"{hits:,} of {len(pairs):,} ids contain their {labels.name}"
    return Finding("the ids give the label away: do not use them as features", why)


def _features(
    table: DataTable, test: DataTable | None, id_column: str, taken: set[str]
) -> tuple[str, ...]:
    """The columns that training and test set have beside ids, labels and groups."""
    if test is None or id_column not in test.columns:
        return ()
    shared = [name for name in table.columns if name in test.columns and name not in taken]
    return tuple(name for name in shared if _useful(table.glance(name), test))


def _useful(column: Column, test: DataTable) -> bool:
    """Whether a column has different values that tell something about the rows of the test set:
    not names of single rows, or of things that only one of both sets has, and not texts."""
    if column.distinct < 2 or is_free_text(column):
        return False
    code = ends_with_id(column.name)
    if column.kind != "text" and not code:
        return True
    values = test.glance(column.name).counts
    seen = sum(value in column.counts for value in values) / max(1, len(values))
    return not column.unique and seen > (0.5 if code else SEEN)


def _list(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{', ...' * (len(names) > 5)}"
