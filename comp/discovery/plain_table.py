"""Plain tables: rows without images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.evidence import Evidence
from comp.discovery.groups import group_column, time_column
from comp.discovery.roles import is_named_train
from comp.discovery.scores import choose_submission
from comp.discovery.tables import Column, DataTable
from comp.discovery.targets import Target, choices, find_target
from comp.discovery.values import Labels, labels_of_column, labels_of_columns

FACTORY = "comp.tasks.tabular.table"
NUMBERS_OF_ROWS = frozenset({"", "index", "Unnamed: 0"})
"""Names of columns that a program writes for the numbers of the rows."""
LONG = 40
"""Mean number of characters from which on texts of several words are not categories."""


def plain_table(evidence: Evidence) -> Conclusion | None:
    """The conclusion from a table of training rows; None if there is none."""
    roles = evidence.roles
    train = _training(evidence)
    if isinstance(train, Missing):
        return evidence.without(train)
    if train is None or (evidence.inventory.images and roles.test is None):
        return None
    id_column = _id_column(train, roles.test, roles.submission)
    target = find_target(train, id_column, roles.test, roles.submission, evidence.target)
    if target is None:
        return evidence.unknown_target(train, choices(train, id_column, roles.test))
    columns = [train.column(name) for name in target.columns]
    wanted = _wanted(roles.submission, target)
    labels = (
        labels_of_column(columns[0], wanted, evidence.hint, evidence.task)
        if len(columns) == 1
        else labels_of_columns(columns)
    )
    if labels is None:
        return evidence.unlike_labels(train, target.columns)
    if roles.test is None or id_column is None:
        return evidence.without(_no_test(train, roles.test, roles.submission))
    return _concluded(evidence, train, roles.test, id_column, target, labels)


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


def _id_column(
    train: DataTable, test: DataTable | None, submission: DataTable | None
) -> str | None:
    """The column of the ids, which training and test rows have."""
    if test is None:
        return submission.columns[0] if submission else train.columns[0]
    shared = [name for name in train.columns if name in test.columns]
    if submission is not None and submission.columns[0] in shared:
        return submission.columns[0]
    if submission is not None:
        ids = set(submission.glance(submission.columns[0]).counts)
        same = [name for name in shared if set(test.glance(name).counts) == ids]
        return same[0] if same else None
    unique = [n for n in shared if train.glance(n).unique and test.glance(n).unique]
    named = [name for name in unique if name.lower().endswith("id")]
    return next(iter(named or unique[:1]), None)


def _wanted(submission: DataTable | None, target: Target) -> Column | None:
    """The only value column of the sample submission."""
    if submission is None or len(submission.columns) != 2 or target.class_columns:
        return None
    return submission.glance(submission.columns[1])


def _no_test(train: DataTable, test: DataTable | None, submission: DataTable | None) -> Missing:
    if test is None:
        return Missing(
            question="Where are the rows to predict?",
            choices=(),
            found=f"{train.path} with {train.rows:,} rows"
            + (f" and {submission.path}" if submission else "")
            + ", and no table of a test set",
            advice="add test.csv: the same columns without the target",
        )
    return Missing(
        question="Which column has the ids?",
        choices=(),
        found=f"{train.path} has {', '.join(train.columns[:5])}, and the ids of "
        f"{submission.path if submission else test.path} are in none of its columns",
        advice="add a column of ids with the same name to both tables",
    )


def _concluded(
    evidence: Evidence,
    train: DataTable,
    test: DataTable,
    id_column: str,
    target: Target,
    labels: Labels,
) -> Conclusion:
    submission = evidence.roles.submission
    submitted = choose_submission(labels, submission, evidence.hint, target.class_columns)
    taken = {id_column, *labels.columns}
    group, of_group = group_column(train, taken, images=False, test=test)
    time, of_time = time_column(train, test, taken)
    drop, of_drop = _dropped(train, test, taken | ({group} if group else set()))
    arguments: dict[str, Any] = {"train": train.path, "test": test.path, "id_column": id_column}
    arguments["target"] = labels.columns[0] if len(labels.columns) == 1 else labels.columns
    arguments |= {"separator": labels.separator} if labels.separator else {}
    arguments |= {"allow_blank": True} if labels.separator and labels.allow_blank else {}
    arguments |= {"group_column": group} if group else {}
    arguments |= {"time_column": time} if time else {}
    arguments |= {"drop": drop} if drop else {}
    arguments["sample_submission"] = submission.path if submission else None
    if submission and submission.columns[0] != id_column:
        arguments["submission_id"] = submission.columns[0]
    arguments |= submitted.arguments
    arguments |= {"defaults": {"scheme": "time"}} if time else {}
    findings = [
        *_first_findings(evidence, train, test, id_column, target),
        *filter(None, [labels.finding, of_group, of_time, *of_drop]),
        *submitted.findings,
    ]
    return Conclusion(
        form="table",
        factory=FACTORY,
        task=labels.task,
        arguments=arguments,
        metric=submitted.metric,
        findings=tuple(findings),
        missing=(
            *_texts_only(train, {id_column, *labels.columns, *drop}),
            *submitted.missing,
            *_other_ids(test, submission, id_column),
        ),
        root=evidence.root,
    )


def _first_findings(
    evidence: Evidence, train: DataTable, test: DataTable, id_column: str, target: Target
) -> Iterator[Finding]:
    """What is said about the rows, the target and other tables."""
    yield Finding(
        f"rows of {train.path} train, rows of {test.path} are predicted",
        f"{train.rows:,} and {test.rows:,} rows with the ids {id_column}",
    )
    verb = "is" if len(target.columns) == 1 else "are"
    what = f"{', '.join(target.columns[:5])} {verb} predicted"
    yield Finding(what, target.why, target.certainty)
    others = [t.path for t in evidence.roles.candidates if t is not train]
    if others:
        why = "they are neither training nor test rows"
        yield Finding(f"{', '.join(others[:5])} not used", why, "likely")


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


def _dropped(
    train: DataTable, test: DataTable, taken: set[str]
) -> tuple[tuple[str, ...], list[Finding]]:
    """The columns that are no features: those of one table only, and free texts."""
    one = [
        n
        for n in dict.fromkeys((*train.columns, *test.columns))
        if n not in taken and not (n in train.columns and n in test.columns)
    ]
    rows = [n for n in train.columns if n in NUMBERS_OF_ROWS and n not in (*taken, *one)]
    texts = [n for n in train.columns
             if n not in (*taken, *one, *rows) and is_free_text(train.glance(n))]  # fmt: skip
    findings = []
    if one:
        why = f"they are in {train.path} or {test.path} only"
        findings.append(Finding(f"{', '.join(one[:5])} not used", why))
    if rows:
        findings.append(Finding("a column of row numbers is not used", f"its name is '{rows[0]}'"))
    if texts:
        why = "the models take numbers, dates and categories"
        findings.append(Finding(f"the texts in {', '.join(texts[:5])} are not used", why))
    return (*one, *rows, *texts), findings


def is_free_text(column: Column) -> bool:
    """Whether cells are sentences."""
    texts = list(column.counts)
    if column.kind != "text" or not texts or column.distinct < 0.5 * column.counts.total():
        return False
    return sum(map(len, texts)) / len(texts) > LONG and any(" " in text for text in texts)


def _texts_only(train: DataTable, taken: set[str]) -> list[Missing]:
    left = [name for name in train.columns if name not in taken]
    if left:
        return []
    return [
        Missing(
            question="What is to be learned from?",
            choices=(),
            found=f"{train.path} has only ids, targets and texts: {', '.join(train.columns[:5])}",
            advice="comp does not read texts: add columns of numbers or categories",
        )
    ]
