"""The columns of a table: distributions, gaps, and what they say about the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from comp.config.columns import ColumnsConfig
from comp.contract.sample import Cell
from comp.data.columns.cells import is_empty, is_gap, labels, read_numbers
from comp.data.columns.kinds import Column as FoundColumn
from comp.data.columns.kinds import find_kinds, number_form_of
from comp.exploration.histogram import Histogram, explained, histogram
from comp.exploration.subjects import Subjects

CATEGORIES = 10
"""Most frequent categories of a column that are listed."""
How = Literal["", "rank correlation", "share explained"]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Percentiles of the numbers of a column in the training rows."""

    low: float
    quarter: float
    median: float
    three_quarters: float
    high: float
    mean: float


@dataclass(frozen=True, kw_only=True)
class ColumnLook:
    """A column. `gaps` are shares of the rows. `association` with the target is Spearman's rank
    correlation, -1 to 1, or the share of the target's variance that the categories explain, or of
    the column's variance that the classes explain, 0 to 1, as `how` says; None without one."""

    name: str
    kind: str
    note: str
    different: int
    gaps: float
    gaps_test: float | None
    summary: Summary | None
    categories: Mapping[str, int]
    histogram: Histogram | None
    association: float | None
    how: How


@dataclass(frozen=True, kw_only=True)
class Columns:
    """All columns, and what is said about the target: its name, or ""."""

    rows: int
    target: str
    columns: Sequence[ColumnLook]


def describe_columns(subjects: Subjects, config: ColumnsConfig) -> Columns:
    """Describe the columns of the training rows, and compare them with those of the test rows.

    Raises:
        CompError: it is not clear what a column means.
    """
    bare = config.model_copy(update={"pairs": [], "places": []})
    train, test = (
        [subjects.samples[row].features for row in subjects.rows_of(split)]
        for split in ("train", "test")
    )
    kinds = find_kinds(train, bare)
    target = target_numbers(subjects)
    classes = [" ".join(subjects.classes[row]) for row in subjects.rows_of("train")]
    several = len(set(filter(None, classes))) > 2 or target is None
    looks = []
    for column in kinds:
        own = [row[column.name] for row in train]
        theirs = [row[column.name] for row in test if column.name in row]
        looks.append(
            _look(column, own, theirs, None if several and any(classes) else target, classes)
        )
    named = " ".join(subjects.competition.task.labels) if target is not None else ""
    return Columns(rows=len(train), target=named or "target", columns=looks)


def target_numbers(subjects: Subjects) -> np.ndarray | None:
    """The target of each training sample, float (N,), NaN if it is not known; None if targets are
    not single numbers."""
    targets = [subjects.samples[row].target for row in subjects.rows_of("train")]
    values = [_single(target) for target in targets]
    known = [value for value in values if value == value]
    return np.array(values) if known and len(set(known)) > 1 else None


def _single(target: Any) -> float:
    if isinstance(target, Sequence) and not isinstance(target, str):
        return float(target[0]) if len(target) == 1 else float("nan")
    return float(target) if isinstance(target, int | float) else float("nan")


def _look(
    column: FoundColumn,
    own: Sequence[Cell],
    theirs: Sequence[Cell],
    target: np.ndarray | None,
    classes: Sequence[str],
) -> ColumnLook:
    numeric = column.kind == "number"
    numbers = _numbers(own, column) if numeric else None
    counts = Counter({} if numeric else {n: c for n, c in Counter(labels(own)).items() if n})
    association, how = _association(numbers, labels(own), target, classes, column.kind)
    gap = is_gap if numeric else is_empty
    series = {}
    if numbers is not None:
        series = {"train": numbers, "test": _numbers(theirs, column)}
    return ColumnLook(
        name=column.name,
        kind=column.kind,
        note=column.note,
        different=len({cell for cell in own if not gap(cell)}),
        gaps=round(sum(map(gap, own)) / max(1, len(own)), 5),
        gaps_test=round(sum(map(gap, theirs)) / len(theirs), 5) if theirs else None,
        summary=summary_of(numbers) if numbers is not None else None,
        categories=dict(counts.most_common(CATEGORIES)),
        histogram=histogram(series) if series else None,
        association=association,
        how=how,
    )


def _numbers(cells: Sequence[Cell], column: FoundColumn) -> np.ndarray:
    form, unit = number_form_of(column)
    return np.asarray(read_numbers(cells, form, unit)[0], dtype=np.float64)


def summary_of(numbers: np.ndarray) -> Summary | None:
    """Percentiles and mean of numbers; None if there are none. Gaps do not count."""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return None
    found = [float(f"{v:.6g}") for v in (*np.percentile(known, [0, 25, 50, 75, 100]), known.mean())]
    return Summary(
        low=found[0],
        quarter=found[1],
        median=found[2],
        three_quarters=found[3],
        high=found[4],
        mean=found[5],
    )


def _association(
    numbers: np.ndarray | None,
    names: Sequence[str],
    target: np.ndarray | None,
    classes: Sequence[str],
    kind: str,
) -> tuple[float | None, How]:
    """How much a column says about the target, alone."""
    if kind in ("constant", "dropped"):
        return None, ""
    if target is not None and numbers is not None:
        return _spearman(numbers, target), "rank correlation"
    if target is not None:
        return explained(target, names), "share explained"
    if numbers is not None and any(classes):
        return explained(numbers, classes), "share explained"
    return None, ""


def _spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    from scipy.stats import spearmanr

    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < 3 or len(np.unique(first[known])) < 2 or len(np.unique(second[known])) < 2:
        return None
    return round(float(spearmanr(first[known], second[known]).statistic), 4)
