"""Images and a table with their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.evidence import Evidence
from comp.discovery.image_names import Match
from comp.discovery.more_columns import more_columns
from comp.discovery.scores import Submission, choose_submission
from comp.discovery.tables import Column, DataTable
from comp.discovery.targets import Target, choices, find_target
from comp.discovery.values import Labels, labels_of_column, labels_of_columns

FACTORY = "comp.tasks.image_table.image_table"
ENOUGH = 0.5
"""Share of the values of a column that name an image from which on they are ids of images."""
LOOKED_AT = 1000


@dataclass(frozen=True)
class LabelTable:
    """A table whose column `id_column` names images."""

    table: DataTable
    id_column: str
    share: float
    """The share of its ids that name an image."""


def tables_of_images(evidence: Evidence) -> list[LabelTable]:
    """The tables whose ids name images, each with its column of the ids."""
    found = []
    for table in evidence.roles.candidates:
        columns = [table.glance(name) for name in table.columns[:50]]
        shares = [
            (evidence.names.share(list(column.counts)[:LOOKED_AT]), column.distinct, column.name)
            for column in columns
            if column.distinct > 1 or table.rows == 1
        ]
        share, _, name = max(
            ((s, d, n) for s, d, n in shares if s >= ENOUGH), default=(0.0, 0, ""),
            key=lambda each: (round(each[0], 2), each[1], _is_submitted(evidence, each[2])),
        )  # fmt: skip
        if name and not _is_code(table.glance(name), share):
            found.append(LabelTable(table, name, share))
    return found


def _is_submitted(evidence: Evidence, name: str) -> bool:
    """Whether the table of the test set has the ids of the sample submission in a column."""
    submission, test = evidence.roles.submission, evidence.roles.test
    if submission is None or test is None or name not in test.columns:
        return submission is not None and name == submission.columns[0]
    ids = submission.glance(submission.columns[0]).counts
    return test.glance(name).counts.keys() == ids.keys()


def _is_code(column: Column, share: float) -> bool:
    """Whether a column of few repeated numbers only by chance has the names of images."""
    few = column.distinct < 0.2 * column.counts.total()
    return column.kind in ("integer", "number") and few and share > 0


def choose_table(evidence: Evidence, found: Sequence[LabelTable]) -> LabelTable | Missing:
    """The table with the labels, or the question which it is."""
    said = evidence.answers.get("labels")
    if said:
        chosen = next((each for each in found if each.table.path == said), None)
        if chosen:
            return chosen
    if len(found) == 1:
        return found[0]
    submission = evidence.roles.submission
    wanted = set(submission.columns[1:]) if submission else set()
    for few in (
        [each for each in found if wanted and wanted <= set(each.table.columns)],
        [each for each in found if evidence.is_train(each.table)],
        [each for each in found if _target(evidence, each)],
    ):
        if len(few) == 1:
            return few[0]
    names = tuple(each.table.path for each in found)
    return Missing(
        question="Which table has the labels of the training set?",
        choices=names,
        found=f"the ids of {' and '.join(names)} all name images",
        argument="labels",
    )


def _target(evidence: Evidence, each: LabelTable) -> Target | None:
    roles = evidence.roles
    return find_target(each.table, each.id_column, roles.test, roles.submission, evidence.target)


def image_table(evidence: Evidence, chosen: LabelTable) -> Conclusion:
    """The conclusion from a table of labels and folders of images."""
    table, id_column, roles = chosen.table, chosen.id_column, evidence.roles
    target = _target(evidence, chosen)
    if target is None:
        return evidence.unknown_target(table, choices(table, id_column, roles.test))
    columns = [table.column(name) for name in target.columns]
    labels = (
        labels_of_column(columns[0], _wanted(evidence, target), evidence.hint, evidence.task)
        if len(columns) == 1
        else labels_of_columns(columns)
    )
    if labels is None:
        return evidence.unlike_labels(table, target.columns)
    return _concluded(evidence, chosen, target, labels)


def _wanted(evidence: Evidence, target: Target) -> Column | None:
    """The only value column of the sample submission."""
    submission = evidence.roles.submission
    if submission is None or len(submission.columns) != 2 or target.class_columns:
        return None
    return submission.glance(submission.columns[1])


def _concluded(
    evidence: Evidence, chosen: LabelTable, target: Target, labels: Labels
) -> Conclusion:
    table, roles = chosen.table, evidence.roles
    ids = table.column(chosen.id_column)
    train = evidence.names.match(ids.counts, table.path, ("train",))
    assert train is not None
    submitted = choose_submission(labels, roles.submission, evidence.hint, target.class_columns)
    test, arguments, missing = find_test_images(evidence, train)
    found = more_columns(evidence, table, chosen.id_column, labels)
    missing += [_no_images(table, train)] if train.missing else []
    missing = [*([_repeated(table, ids)] if not ids.unique else []), *missing]
    findings = [
        *_first_findings(evidence, chosen, target, train),
        *filter(None, [labels.finding, *found.findings, *submitted.findings, *test]),
        *evidence.copies(train.folders, found.grouped),
    ]
    return Conclusion(
        form="table with images" if "feature_columns" in found.arguments else labels.form,
        factory=FACTORY,
        task=_renamed(labels, submitted).task,
        arguments={
            "labels": table.path,
            "id_column": chosen.id_column,
            **dict(_label_arguments(labels)),
            **found.arguments,
            "images": train.folder,
            **arguments,
            **submitted.arguments,
            **evidence.defaults(
                train.folders,
                in_time="time_column" in found.arguments,
                numbers=labels.names if labels.kind == "regression" else (),
            ),
        },
        metric=submitted.metric,
        findings=tuple(findings),
        missing=(*missing, *submitted.missing),
        root=evidence.root,
    )


def _first_findings(
    evidence: Evidence, chosen: LabelTable, target: Target, train: Match
) -> Iterator[Finding]:
    """What is said about the ids, the target and other tables."""
    path = chosen.table.path
    yield Finding(
        f"the training images are those that {chosen.id_column} of {path} names",
        f"{train.matched:,} of {train.ids:,} ids have an image in {train.where}",
    )
    verb = "is" if len(target.columns) == 1 else "are"
    yield Finding(f"{_list(target.columns)} {verb} predicted", target.why, target.certainty)
    others = [t.path for t in evidence.roles.candidates if t is not chosen.table]
    if others:
        yield Finding(f"not used: {_list(others)}", f"the labels are in {path}")


def _renamed(labels: Labels, submitted: Submission) -> Labels:
    """Of two classes, the one that the column of the probability names is the second."""
    from comp.tasks.name_words import mentioned

    columns = submitted.arguments.get("columns", labels.columns)
    probability = labels.kind == "binary" and len(columns) == 1 and submitted.metric != "accuracy"
    if probability and mentioned(columns[0], labels.names) == {labels.names[0]}:
        return replace(labels, names=(labels.names[1], labels.names[0]))
    return labels


def _label_arguments(labels: Labels) -> Iterator[tuple[str, Any]]:
    if len(labels.columns) > 1:
        if labels.kind == "multiclass":
            yield "label_columns", labels.columns
        return
    yield "label_column", labels.columns[0]
    if labels.separator:
        yield "separator", labels.separator
    if labels.allow_blank:
        yield "allow_blank", True


def find_test_images(
    evidence: Evidence, train: Match | None = None, taken: Sequence[str] = ()
) -> tuple[list[Finding], dict[str, Any], list[Missing]]:
    """Where the test images are: findings, arguments of the factory, and what is missing.

    Args:
        train: the training images, if a table names them.
        taken: the folders of the training images, if all images of these are training images.
    """
    submission = evidence.roles.submission
    if submission is None:
        return evidence.test_folder(train.folders if train else taken)
    ids = submission.column(submission.columns[0])
    match = evidence.names.match(ids.counts, submission.path, ("test",))
    arguments = {"test_images": match.folder if match else "test"}
    arguments["sample_submission"] = submission.path
    if match is None or match.missing:
        return [], arguments, [_no_test_images(evidence, submission, ids, match)]
    both = [i for i in ids.counts if train and i in train.names and train.folders == match.folders]
    if both or _overlap(match.folders, taken):
        missing = Missing(
            question="Where are the images of the test set?",
            choices=(),
            found=f"{submission.path} has ids such as '{(both or list(ids.counts))[0]}', which are "
            f"names of training images in {match.where}",
            advice="the ids are not the names of images: write a plugin with your own samples",
        )
        return [], arguments, [missing]
    why = f"all {match.ids:,} ids of {submission.path} name an image there"
    return [Finding(f"the test images are in {match.where}", why)], arguments, []


def _overlap(folders: Sequence[str], taken: Sequence[str]) -> bool:
    """Whether a folder is in, or around, one of the others."""
    from comp.tasks.image_ids import is_below

    return any(is_below(a, b) or is_below(b, a) for a in folders for b in taken)


def _no_test_images(
    evidence: Evidence, submission: DataTable, ids: Column, match: Match | None
) -> Missing:
    """What is missing if ids of the sample submission have no image. The table of the test set may
    say which images they mean."""
    first, test = next(iter(ids.counts), ""), evidence.roles.test
    found = f"{submission.path} has ids such as '{first}', and "
    found += match.gap if match else "none of them has an image"
    advice = "fetch the data again, or put the test images into a folder"
    name = next((n for n in test.columns if first in test.glance(n).counts), "") if test else ""
    if test and name and match is None:
        found += f", but the column {name} of {test.path} has these ids"
        advice = (
            "comp needs ids that are names of images, and one row for each: write a plugin with "
            "your own samples and rows, see 'samples' and 'rows' of the contract"
        )
    return Missing("Where are the images of the test set?", (), found, advice)


def _no_images(table: DataTable, match: Match) -> Missing:
    return Missing(
        question="Where are the other training images?",
        choices=(),
        found=f"of the ids of {table.path}, {match.gap}",
        advice="fetch the data again, or remove these rows",
    )


def _repeated(table: DataTable, ids: Column) -> Missing:
    name, count = ids.counts.most_common(1)[0]
    more = ids.counts.total() - ids.distinct
    return Missing(
        question="What do several rows of one image mean?",
        choices=(),
        found=f"{table.path} has '{name}' {count} times, and {more:,} further rows of images that "
        "it already has",
        advice="write a table with one row for each image, or a plugin with your own samples",
    )


def _list(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{', ...' * (len(names) > 5)}"
