"""The columns of a plain table beside ids and targets: groups, times, and what is not used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comp.discovery.conclusion import Finding, Missing
from comp.discovery.divided import divided_column
from comp.discovery.evidence import Evidence
from comp.discovery.groups import group_column, time_column
from comp.discovery.table_rows import Rows, date_in_ids, groups_of_ids
from comp.discovery.tables import Column, DataTable
from comp.discovery.values import Labels

NUMBERS_OF_ROWS = frozenset({"", "index", "Unnamed: 0"})
"""Names of columns that a program writes for the numbers of the rows."""
BESIDE_TEXTS = 2
"""Columns beside free texts up to which the texts are what is to be learned from."""
LONG = 40
"""Mean number of characters from which on texts of several words are not categories."""


@dataclass(frozen=True)
class MoreColumns:
    """Further arguments, what is said about them, and columns of free texts."""

    arguments: Mapping[str, Any]
    findings: Sequence[Finding]
    texts: Sequence[str]


def more_of_rows(rows: Rows, labels: Labels) -> MoreColumns:
    """Groups, times and columns that are not used."""
    train, ids, taken = rows.train, rows.ids, {rows.ids.column, *labels.columns}
    arguments: dict[str, Any] = {}
    dated = date_in_ids(train, rows.test, ids, set(labels.columns)) if rows.test else None
    arguments |= {"id_is_feature": True} if dated else {}
    group, of_group = group_column(train, taken, images=False, test=rows.test)
    arguments |= {"group_column": group} if group else {}
    pattern, of_ids = (None, None) if group else groups_of_ids(train, rows.test, ids)
    arguments |= {"group_pattern": pattern} if pattern else {}
    if not group and not pattern:
        group, of_group = divided_column(train, rows.test, taken)
        arguments |= {"group_column": group} if group else {}
    numbered = {ids.column} if ids.numbered else set()
    time, of_time = time_column(train, rows.test, {*labels.columns, *numbered})
    arguments |= {"time_column": time} if time else {}
    others = rows.others.columns
    drop, texts, of_drop = _dropped(train, others, taken | ({group} if group else set()))
    arguments |= {"drop": drop} if drop else {}
    findings = [f for f in (dated, of_group, of_ids, of_time, *of_drop) if f]
    return MoreColumns(arguments, findings, texts)


def _dropped(
    train: DataTable, others: Sequence[str], taken: set[str]
) -> tuple[tuple[str, ...], list[str], list[Finding]]:
    """The columns that are no features, those of one table only, row numbers and free texts; which
    of them are free texts; and what is said about them.

    Args:
        others: the columns of the test table.
    """
    one = [
        n
        for n in dict.fromkeys((*train.columns, *others))
        if n not in taken and not (n in train.columns and n in others)
    ]
    rows = [n for n in train.columns if n in NUMBERS_OF_ROWS and n not in (*taken, *one)]
    texts = [n for n in train.columns
             if n not in (*taken, *one, *rows) and is_free_text(train.glance(n))]  # fmt: skip
    findings = []
    if one:
        why = "only one of training and test table has them"
        findings.append(Finding(f"{', '.join(one[:5])} not used", why))
    if rows:
        findings.append(Finding("a column of row numbers is not used", f"its name is '{rows[0]}'"))
    if texts:
        why = "the models take numbers, dates and categories"
        findings.append(Finding(f"the texts in {', '.join(texts[:5])} are not used", why))
    return (*one, *rows, *texts), texts, findings


def is_free_text(column: Column) -> bool:
    """Whether cells are sentences."""
    texts = list(column.counts)
    if column.kind != "text" or not texts or column.distinct < 0.5 * column.counts.total():
        return False
    return sum(map(len, texts)) / len(texts) > LONG and any(" " in text for text in texts)


def texts_only(
    rows: Rows, taken: set[str], texts: Sequence[str], evidence: Evidence
) -> list[Missing]:
    """What is missing if there is nothing to learn from, or hardly anything beside texts."""
    left = [n for n in rows.train.columns if n not in {rows.ids.column, *taken}]
    if left and (not texts or len(left) > BESIDE_TEXTS or "drop" in evidence.answers):
        return []
    names = ", ".join(texts) or ", ".join(rows.train.columns[:5])
    return [
        Missing(
            question="What is to be learned from?",
            choices=(),
            found=f"texts in {names}"
            if left
            else f"{rows.train.path} has only ids, targets and texts: {names}",
            advice="comp does not read texts: add columns of numbers or categories"
            + (f", or learn from {', '.join(left)} alone with --answer drop={texts[0]}"
               if left else ""),
        )
    ]  # fmt: skip
