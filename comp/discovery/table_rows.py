"""The ids of the rows of a plain table, tables that share them, and groups and dates in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from comp.discovery.conclusion import Finding
from comp.discovery.evidence import Evidence
from comp.discovery.groups import ends_with_id, group_pattern
from comp.discovery.tables import Column, DataTable
from comp.discovery.targets import Target, find_target
from comp.tasks.name_groups import group_in

ROW = "row"
"""The name of the ids of rows without ids."""
DATES = 500
"""Different texts that show whether a column has dates."""


@dataclass(frozen=True)
class RowIds:
    """The column of the ids; `numbered` if the training rows do not have it."""

    column: str
    numbered: bool = False


@dataclass(frozen=True)
class Rows:
    """The tables of the training rows, the test rows and the targets, and the ids."""

    train: DataTable
    test: DataTable | None
    ids: RowIds
    labelled: DataTable
    """The table with the targets."""
    target: Target

    @property
    def others(self) -> DataTable:
        """The test table; without one, the training table, of which a part is the test set."""
        return self.test or self.train


def find_ids(
    train: DataTable, test: DataTable | None, submission: DataTable | None
) -> RowIds | None:
    """The column of the ids of the test rows, which are those of the sample submission; without a
    test table, that of all rows. None if there is none."""
    if test is None:
        return _own_ids(train)
    shared = [name for name in train.columns if name in test.columns]
    alone = [name for name in test.columns if name not in train.columns]
    if submission is None:
        return _unique(shared, train, test) or _unique(alone, test, numbered=True)
    first = submission.columns[0]
    for names, numbered in ((shared, False), (alone, True)):
        if first in names:
            return RowIds(first, numbered)
    ids = set(submission.glance(first).counts)
    for names, numbered in ((shared, False), (alone, True)):
        same = [name for name in names if set(test.glance(name).counts) == ids]
        if same:
            return RowIds(same[0], numbered)
    return None


def _unique(names: Sequence[str], *tables: DataTable, numbered: bool = False) -> RowIds | None:
    """The first column whose cells are unique, those named id first."""
    unique = [name for name in names if all(table.glance(name).unique for table in tables)]
    named = [name for name in unique if name.lower().endswith("id")]
    found = named or ([] if numbered else unique)
    return RowIds(found[0], numbered) if found else None


def _own_ids(table: DataTable) -> RowIds:
    """The ids of a table without a test set: a unique column that is named id, or the numbers of
    the rows."""
    for name in table.columns:
        if name.lower() == "id" or ends_with_id(name):
            column = table.column(name)
            if column.unique and not column.gaps:
                return RowIds(name)
    free = next(name for name in (ROW, f"{ROW}_id", f"{ROW}_number") if name not in table.columns)
    return RowIds(free, numbered=True)


def target_table(
    evidence: Evidence, train: DataTable, id_column: str
) -> tuple[DataTable, Target] | None:
    """The table that has the targets of the training rows and the same ids; None if there is not
    exactly one."""
    roles = evidence.roles
    if id_column not in train.columns:
        return None
    found = []
    for other in roles.candidates:
        if other is train or id_column not in other.columns or other.rows != train.rows:
            continue
        target = find_target(other, id_column, roles.test, roles.submission, evidence.target)
        if target and other.column(id_column).counts == train.column(id_column).counts:
            found.append((other, target))
    return found[0] if len(found) == 1 else None


def other_tables(
    evidence: Evidence, used: Sequence[DataTable], id_column: str
) -> Iterator[Finding]:
    """What is said of tables that are not used."""
    train = used[0]
    known = train.glance(id_column).counts.keys() if id_column in train.columns else set()
    others = [table for table in evidence.roles.candidates if table not in used]
    more = [
        table
        for table in others
        if id_column in table.columns and known & table.glance(id_column).counts.keys()
    ]
    rest = [table.path for table in others if table not in more]
    if more:
        yield Finding(
            f"{', '.join(table.path for table in more[:5])} not used",
            f"they have more about the same {id_column}: add columns of them to {train.path} and "
            "to the test table for a better score",
            "guess",
        )
    if rest:
        why = "they are neither training nor test rows"
        yield Finding(f"{', '.join(rest[:5])} not used", why, "likely")


def has_dates(column: Column) -> bool:
    """Whether the texts of a column are dates or times."""
    from comp.data.columns.dates import AmbiguousDatesError, date_form

    texts = sorted(column.counts)[:DATES]
    if column.kind != "text":
        return False
    try:
        return date_form(texts, None, forced=False) is not None
    except AmbiguousDatesError:
        return True


def date_in_ids(train: DataTable, test: DataTable, ids: RowIds, taken: set[str]) -> Finding | None:
    """A finding if the ids are the only dates of the rows, so that they are a feature too."""
    if ids.numbered or not has_dates(train.glance(ids.column)):
        return None
    others = [n for n in train.columns if n in test.columns and n not in (ids.column, *taken)]
    if any(has_dates(train.glance(name)) for name in others):
        return None
    why = "the ids are dates, and no other column has them"
    return Finding(f"{ids.column} is a feature too", why, "likely")


def groups_of_ids(
    train: DataTable, test: DataTable | None, ids: RowIds
) -> tuple[str | None, Finding | None]:
    """The pattern of the groups in ids such as 0012_01, if no test row is in one of them, and what
    is said about it."""
    if ids.numbered:
        return None, None
    column = train.glance(ids.column)
    pattern, finding = group_pattern(list(column.counts))
    if pattern is None or finding is None or has_dates(column):
        return None, None
    found = {i: g for i in column.counts if (g := group_in(pattern, i))}
    later = list(test.glance(ids.column).counts) if test is not None else []
    if set(found.values()) & {group_in(pattern, name) for name in later}:
        return None, None
    example = next(iter(found))
    what = f"rows whose ids begin alike, such as {example} with {found[example]}, are one group"
    why = f"{len(set(found.values())):,} different beginnings"
    why += ", and none of them in the test set" if test is not None else ""
    return pattern, Finding(what, why, "likely")
