"""Plain tables: rows without images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.evidence import Evidence
from comp.discovery.roles import is_named_train
from comp.discovery.scores import choose_submission, on_scale_of
from comp.discovery.table_columns import more_of_rows, texts_only
from comp.discovery.table_rows import Rows, find_ids, other_tables, target_table
from comp.discovery.tables import GAPS, Column, DataTable
from comp.discovery.targets import Target, choices, find_target
from comp.discovery.values import Labels, labels_of_column, labels_of_columns

FACTORY = "comp.tasks.tabular.table"
TEST_SHARE = 0.2
"""Share of the rows that are held out if there is no test set."""


def plain_table(evidence: Evidence) -> Conclusion | None:
    """The conclusion from a table of training rows; None if there is none."""
    roles = evidence.roles
    train = _training(evidence)
    if isinstance(train, Missing):
        return evidence.without(train)
    if train is None or (evidence.inventory.images and roles.test is None):
        return None
    ids = find_ids(train, roles.test, roles.submission)
    id_column = ids.column if ids else None
    target = find_target(train, id_column, roles.test, roles.submission, evidence.target)
    other = target_table(evidence, train, id_column) if target is None and id_column else None
    labelled, target = other or (train, target)
    if target is None:
        if roles.test is None and roles.submission is not None:
            return evidence.without(_no_test(train, roles.submission))
        return evidence.unknown_target(train, choices(train, id_column, roles.test))
    columns = [labelled.column(name) for name in target.columns]
    wanted = _wanted(roles.submission, target)
    labels = (
        labels_of_column(columns[0], wanted, evidence.hint, evidence.task)
        if len(columns) == 1
        else labels_of_columns(columns)
    )
    if labels is None:
        return evidence.unlike_labels(labelled, target.columns)
    problem = _unfit(train, roles.test, roles.submission, target) or (
        _no_ids(train, roles.test, roles.submission) if ids is None else None
    )
    if ids is None or problem:
        return evidence.without(*filter(None, [problem]))
    return _concluded(evidence, Rows(train, roles.test, ids, labelled, target), labels, columns)


def _training(evidence: Evidence) -> DataTable | Missing | None:
    """The table of the training rows, or the question which it is."""
    roles, said = evidence.roles, evidence.answers.get("labels")
    if said and roles.named(said):
        return roles.named(said)
    tables = list(roles.candidates)
    if roles.test is not None:
        shared = [t for t in tables if len(set(t.columns) & set(roles.test.columns)) > 1]
        tables = shared or tables
    named = [table for table in tables if is_named_train(table)]
    for few in (named, tables):
        if len(few) == 1:
            return few[0]
    if not tables:
        return None
    wanted = set(roles.submission.columns[1:]) if roles.submission else set()
    fitting = [table for table in tables if wanted and wanted <= set(table.columns)]
    if len(fitting) == 1:
        return fitting[0]
    names = tuple(table.path for table in named or tables)
    return Missing(
        question="Which table has the training rows?",
        choices=names,
        found=f"{', '.join(names[:4])}, and nothing that says which of them",
        argument="labels",
    )


def _wanted(submission: DataTable | None, target: Target) -> Column | None:
    """The only value column of the sample submission."""
    if submission is None or len(submission.columns) != 2 or target.class_columns:
        return None
    return submission.glance(submission.columns[1])


def _unfit(
    train: DataTable, test: DataTable | None, submission: DataTable | None, target: Target
) -> Missing | None:
    """What is missing if there are no rows to predict, or they have the target."""
    if test is None:
        return _no_test(train, submission) if submission else None
    known = [name for name in target.columns if name in test.columns]
    if not known:
        return None
    return Missing(
        question="Where are the rows to predict?",
        choices=(),
        found=f"{test.path}, which has the {known[0]} to predict like {train.path}",
        advice=f"remove {known[0]} from {test.path}, or remove {test.path}: then comp holds out a "
        f"part of {train.path} and scores it",
    )


def _no_test(train: DataTable, submission: DataTable) -> Missing:
    return Missing(
        question="Where are the rows to predict?",
        choices=(),
        found=f"{train.path} with {train.rows:,} rows and {submission.path}, and no table of a "
        "test set",
        advice="add test.csv: the same columns without the target",
    )


def _no_ids(train: DataTable, test: DataTable | None, submission: DataTable | None) -> Missing:
    path = submission.path if submission else train.path
    table = test or train
    return Missing(
        question="Which column has the ids?",
        choices=(),
        found=f"{table.path} has {', '.join(table.columns[:5])}, and the ids of {path} are in none "
        "of its columns",
        advice=f"add a column of these ids to {table.path}",
    )


def _concluded(
    evidence: Evidence, rows: Rows, labels: Labels, columns: Sequence[Column]
) -> Conclusion:
    submission, ids = evidence.roles.submission, rows.ids
    submitted = choose_submission(labels, submission, evidence.hint, rows.target.class_columns)
    labels = on_scale_of(labels, submitted.metric, columns)
    found = more_of_rows(rows, labels)
    arguments: dict[str, Any] = {
        **dict(_table_arguments(rows)),
        "target": labels.columns[0] if len(labels.columns) == 1 else labels.columns,
        **({"separator": labels.separator} if labels.separator else {}),
        **({"allow_blank": True} if labels.separator and labels.allow_blank else {}),
        **found.arguments,
        "sample_submission": submission.path if submission else None,
    }
    if submission and submission.columns[0] != ids.column:
        arguments["submission_id"] = submission.columns[0]
    blank = _blank_targets(labels, columns)
    arguments |= {"skip_blank_targets": True} if blank else {}
    arguments |= submitted.arguments
    arguments |= {"defaults": {"scheme": "time"}} if "time_column" in found.arguments else {}
    drop = found.arguments.get("drop", ())
    return Conclusion(
        form="table",
        factory=FACTORY,
        task=labels.task,
        arguments=arguments,
        metric=submitted.metric,
        findings=(
            *_first_findings(evidence, rows),
            *filter(None, [labels.finding, blank, *found.findings]),
            *submitted.findings,
        ),
        missing=(
            *texts_only(rows, {*labels.columns, *drop}, found.texts, evidence),
            *submitted.missing,
            *(_other_ids(rows.test, submission, ids.column) if rows.test else ()),
        ),
        root=evidence.root,
    )


def _table_arguments(rows: Rows) -> Iterator[tuple[str, Any]]:
    """The arguments that say where rows, ids and targets are."""
    yield "train", rows.train.path
    yield "test", rows.test.path if rows.test else None
    if rows.test is None:
        yield "test_share", TEST_SHARE
    if rows.labelled is not rows.train:
        yield "target_table", rows.labelled.path
    yield "id_column", rows.ids.column
    if rows.ids.numbered:
        yield "numbered", True


def _blank_targets(labels: Labels, columns: Sequence[Column]) -> Finding | None:
    """What is said of rows without a target."""
    if labels.allow_blank or len(columns) > 1:
        return None
    column = columns[0]
    words = sum(n for text, n in column.counts.items()
                if text.lower() in GAPS and text not in labels.names)  # fmt: skip
    count = column.gaps + words
    if not count:
        return None
    what = f"{count:,} of {len(column.cells):,} training rows are left out"
    if words and column.kind == "text":
        why = f"{words:,} of them have a {column.name} such as NA, which may be the name of a class"
        return Finding(what, why, "guess")
    return Finding(what, f"they have no {column.name}", "likely")


def _first_findings(evidence: Evidence, rows: Rows) -> Iterator[Finding]:
    """What is said about the rows, the target and other tables."""
    train, test, target, ids = rows.train, rows.test, rows.target, rows.ids.column
    if test is None:
        why = f"there is no table of a test set; 'comp grade' scores them ({train.rows:,} rows)"
        yield Finding(f"a fifth of the rows of {train.path} are the test set", why, "likely")
    else:
        why = f"{train.rows:,} and {test.rows:,} rows with the ids {ids}"
        yield Finding(f"rows of {train.path} train, rows of {test.path} are predicted", why)
    if rows.ids.numbered:
        why = f"{train.path} does not have the column {ids}"
        yield Finding("the ids of training rows are their numbers", why)
    if rows.labelled is not train:
        why = f"it has the same {ids} as {train.path}"
        yield Finding(f"{rows.labelled.path} has the targets", why)
    verb = "is" if len(target.columns) == 1 else "are"
    what = f"{', '.join(target.columns[:5])} {verb} predicted"
    yield Finding(what, target.why, target.certainty)
    used = [train] if rows.labelled is train else [train, rows.labelled]
    yield from other_tables(evidence, used, ids)


def _other_ids(test: DataTable, submission: DataTable | None, id_column: str) -> list[Missing]:
    """What is missing if the sample submission has other ids than the test set."""
    if submission is None:
        return []
    first = submission.columns[0]
    ids, rows = submission.column(first).counts, test.column(id_column).counts
    alone = [i for i in ids if i not in rows] or [i for i in rows if i not in ids]
    if not alone:
        return []
    return [
        Missing(
            question="Which rows are to be predicted?",
            choices=(),
            found=f"'{alone[0]}' is only in one of {submission.path} ({first}) and {test.path} "
            f"({id_column}), and {len(alone) - 1:,} more",
            advice="fetch the data again",
        )
    ]
