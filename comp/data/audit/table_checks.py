"""Check the columns of a table: their kinds, gaps and copies, and what the test rows contain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from comp.config.columns import ColumnsConfig
from comp.contract.competition import Competition
from comp.contract.sample import Cell, Sample
from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.sample_checks import has_valid_target
from comp.data.audit.table_giveaways import find_giveaways
from comp.data.audit.table_shift import find_shift
from comp.data.columns.cells import Row, is_gap, labels, meaning
from comp.data.columns.kinds import GAPS, Column, find_kinds, kind_notes
from comp.data.columns.treatment import Treatment
from comp.errors import CompError

if TYPE_CHECKING:
    import numpy as np

LEAST_ROWS = 20
"""Rows from which a column can look like an id."""


def check_table(
    competition: Competition,
    config: ColumnsConfig,
    train: Sequence[Sample],
    test: Sequence[Sample],
    *,
    quick: bool = False,
) -> list[Finding]:
    """Findings in the columns of the samples; none if the competition has no columns.

    Args:
        train: training samples; those without a valid target do not count.
        quick: leave out what trains models, the search for giveaways.
    """
    if not competition.columns:
        return []
    train = [sample for sample in train if has_valid_target(competition, sample)]
    rows, others = [s.features for s in train], [s.features for s in test]
    if not rows or not rows[0]:
        return []
    findings = _missing_columns(rows, others, config.drop)
    try:
        columns = find_kinds(rows, config)
    except CompError as error:
        words = "columns whose kind is not clear"
        return [*findings, *findings_of("columns", "error", [str(error)], words)]
    cells = {name: [row[name] for row in rows] for name in rows[0]}
    findings += [
        *_unused(columns),
        *_gaps(cells),
        *_copies(cells, columns),
        *_ids(cells, columns),
        *_same_rows(train, test),
    ]
    if any(finding.severity == "error" for finding in findings):
        return findings
    bare = config.model_copy(update={"pairs": [], "places": []})  # columns alone are compared
    treatment = Treatment.fit(rows, bare, columns)
    findings += _unreadable(treatment, others)
    groups = [sample.group or f"row {i}" for i, sample in enumerate(train)]
    targets = None if quick else _targets(competition, train)
    if targets is not None:
        findings += find_giveaways(treatment.for_trees(rows), targets, groups)
    if others and not any(finding.severity == "error" for finding in findings):
        findings += find_shift(treatment, rows, others)
    return findings


def _targets(competition: Competition, train: Sequence[Sample]) -> np.ndarray | None:
    """What a model learns (N, K); None if the targets are images."""
    import numpy as np

    task = competition.task
    if task.estimate is None or any(isinstance(s.target, Path | None) for s in train):
        return None
    encoded = [task.encode(np.atleast_1d(np.array(s.target, np.float32))) for s in train]
    return task.estimate.learn(np.stack(encoded))


def _missing_columns(
    train: Sequence[Row], test: Sequence[Row], dropped: Sequence[str]
) -> list[Finding]:
    """Columns that only one of train and test has."""
    if not test:
        return []
    return [
        *findings_of(
            "column-missing",
            "error",
            [name for name in train[0] if name not in test[0] and name not in dropped],
            "columns of the training rows that the test rows do not have",
            "name them in columns.drop, or add them to the test rows",
        ),
        *findings_of(
            "column-only-in-test",
            "note",
            [name for name in test[0] if name not in train[0]],
            "columns that only the test rows have; no model gets them",
        ),
    ]


def _unused(columns: Sequence[Column]) -> list[Finding]:
    """Columns that no model gets, and those of many categories."""
    unused = [c for c in columns if c.kind == "constant" or (c.kind == "dropped" and c.note)]
    return [
        *findings_of(
            "column-unused",
            "note",
            [f"{c.name} ({c.note})" for c in unused if "columns.drop" not in c.note],
            "columns that no model gets",
            "name a column of text in columns.categories to use it",
        ),
        *findings_of(
            "many-categories",
            "note",
            [f"{c.name} ({c.note})" for c in columns if c.form == "many"],
            "columns of very many categories",
        ),
    ]


def _gaps(cells: Mapping[str, Sequence[Cell]]) -> list[Finding]:
    """Columns with gaps, with the share of the rows."""
    shares = {name: sum(map(is_gap, column)) / len(column) for name, column in cells.items()}
    return findings_of(
        "gaps",
        "note",
        [f"{name} ({100 * share:.3g} %)" for name, share in shares.items() if share],
        "columns with gaps in the training rows",
    )


def _copies(cells: Mapping[str, Sequence[Cell]], columns: Sequence[Column]) -> list[Finding]:
    """Columns with the same cells in every training row."""
    by_content: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for column in columns:
        if column.kind not in ("constant", "dropped"):
            by_content[tuple(labels(cells[column.name]))].append(column.name)
    return findings_of(
        "same-column",
        "warning",
        [" = ".join(names) for names in by_content.values() if len(names) > 1],
        "columns that are equal in every training row",
        "name all but one in columns.drop",
    )


def _ids(cells: Mapping[str, Sequence[Cell]], columns: Sequence[Column]) -> list[Finding]:
    """Columns of whole numbers that are all different and have nearly no number left out."""
    found = []
    for column in columns:
        different = set(labels(cells[column.name]))
        if column.kind != "number" or len(different) < max(len(cells[column.name]), LEAST_ROWS):
            continue
        if all(text.isascii() and text.isdigit() for text in different):
            numbers = sorted(map(int, different))
            if numbers[-1] - numbers[0] < 2 * len(numbers):
                found.append(column.name)
    return findings_of(
        "id-column",
        "warning",
        found,
        "columns that count the rows, as an id does",
        "name them in columns.drop, unless the order of the rows means something",
    )


def _same_rows(train: Sequence[Sample], test: Sequence[Sample]) -> list[Finding]:
    """Training rows that are equal but for their targets and groups, and test rows that are equal
    to a training row."""
    first: dict[tuple[str, ...], Sample] = {}
    copies, leaks = [], []
    for sample in train:
        if sample.image is not None:
            continue
        key = tuple(map(meaning, sample.features.values()))
        other = first.setdefault(key, sample)
        if other is not sample and (sample.group is None or sample.group != other.group):
            copies.append(f"{other.id}, {sample.id}")
    for sample in test:
        if sample.image is not None:
            continue
        known = first.get(tuple(map(meaning, sample.features.values())))
        if known is not None:
            leaks.append(f"{known.id}, {sample.id}")
    return [
        *findings_of(
            "same-row",
            "note",
            copies,
            "training rows that are equal in every column, and may be in different folds",
            "give copies the same group, or remove them",
        ),
        *findings_of(
            "same-row-in-test", "note", leaks, "test rows that are equal to a training row"
        ),
    ]


def _unreadable(treatment: Treatment, test: Sequence[Row]) -> list[Finding]:
    """Cells that are not of the kind of their column: of training rows, whose kind the user has
    named, and of test rows."""
    columns = [column for column in treatment.features.columns if GAPS in column.note]
    notes, wrong = kind_notes(columns), list[str]()
    try:
        notes += treatment.notes(test)
    except CompError as error:
        wrong.append(str(error))
    words = "test rows that do not fit the training rows"
    return [
        *findings_of("unreadable-cells", "warning", notes, "columns with cells of another kind"),
        *findings_of("columns-of-test", "error", wrong, words),
    ]
