"""The metric, and what a row of the submission says, from the labels and the sample submission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from comp.contract.metrics import by_name
from comp.discovery.conclusion import Certainty, Finding, Missing
from comp.discovery.label_names import is_negative
from comp.discovery.metric_hint import MetricHint
from comp.discovery.tables import Column, DataTable
from comp.discovery.values import Labels

DEFAULT = {
    "binary": "auc", "multiclass": "accuracy", "multilabel": "mean-auc", "ordinal": "qwk",
    "regression": "rmse", "masks": "dice", "images": "rmse",
}  # fmt: skip
"""The metric of a kind of task if nothing shows another."""
OF_DECISIONS = {"binary": "accuracy", "multiclass": "accuracy", "multilabel": "f1-samples"}
"""The metric if the sample submission has labels instead of probabilities."""


@dataclass(frozen=True)
class Submission:
    """The metric, the arguments of the factory for the submission, and how sure they are."""

    metric: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    missing: tuple[Missing, ...] = ()


def choose_submission(
    labels: Labels, table: DataTable | None, hint: MetricHint, class_columns: Sequence[str] = ()
) -> Submission:
    """The metric and the columns of the submission.

    Args:
        table: the sample submission, None if there is none.
        class_columns: its columns in the order of the classes, if they are named so.
    """
    if table is None:
        return _without_sample(labels, hint)
    columns = [name for name in table.columns[1:] if name]
    cells = [table.glance(name) for name in columns]
    metric, certainty, why, more = _rule(labels, cells, class_columns)
    said = hint.of(labels.kind)
    if said == "map@":
        said = metric if metric.startswith("map@") else None
    if said:
        metric, certainty, why = said, "sure", hint.why
    if more.get("submit") == "index" and by_name(metric).takes == "predictions":
        more = {}
    arguments = dict(_column_names(labels, columns, class_columns, more)) | more
    if metric.startswith("map@"):
        arguments.pop("submit", None)
    finding = Finding(f"the metric is {metric}", why, certainty)
    findings = (finding, *_second_class(labels, cells))
    return Submission(metric, arguments, findings, _unknown_columns(labels, table, class_columns))


def _second_class(labels: Labels, cells: Sequence[Column]) -> Iterator[Finding]:
    """What is said if only the order of letters decides which of two classes is the positive one:
    the submission has a number for one of them, and no name says for which."""
    from comp.tasks.name_words import mentioned

    if labels.kind != "binary" or len(cells) != 1:
        return
    first, second = labels.names
    numbers = bool(cells[0].counts) and all(map(_is_number, cells[0].counts))
    known = is_negative(first, second) or _is_number(first)
    named = known or mentioned(cells[0].name, labels.names)
    if numbers and not named:
        why = f"{first} is before it in the alphabet, and nothing says which of them is 1"
        yield Finding(f"{cells[0].name} is high for {second}", why, "guess")


def _unknown_columns(
    labels: Labels, table: DataTable, class_columns: Sequence[str]
) -> tuple[Missing, ...]:
    """What is missing if a sample submission has other columns than the labels."""
    columns = [name for name in table.columns[1:] if name]
    many = labels.kind in ("binary", "multiclass", "multilabel") and not labels.separator
    needed = {1, len(labels.names)} if many else {len(labels.columns)}
    fits = len(columns) in needed and bool(columns)
    if fits and len(columns) > 1 and labels.kind != "regression":
        fits = bool(class_columns) or set(columns) == set(labels.names)
    strange = _strange(labels, table.glance(columns[0])) if len(columns) == 1 else ""
    if fits and not strange:
        return ()
    return (
        Missing(
            question="What belongs into the columns of the submission?",
            choices=(),
            found=f"{table.path} has {', '.join(table.columns[:5])}, and "
            f"{', '.join(labels.names[:5])} are predicted" + strange,
            advice="correct the columns, or write a plugin with rows of your own",
        ),
    )


def _strange(labels: Labels, cell: Column) -> str:
    """What is said of cells with several words that are not names of classes; "" of others."""
    names = set(labels.names)
    texts = [text for text in cell.counts if " " in text and text not in names]
    unknown = labels.kind in ("binary", "multiclass") and texts and len(texts) == len(cell.counts)
    if not unknown or _ranked(set(cell.counts), names):
        return ""
    return f", and its cells are such as '{texts[0]:.40}'"


def _without_sample(labels: Labels, hint: MetricHint) -> Submission:
    said = hint.of(labels.kind)
    if said and said != "map@":
        finding = Finding(f"the metric is {said}", hint.why)
        return Submission(said, {}, (finding,))
    metric = "rmsle" if labels.log else DEFAULT[labels.kind]
    why = "the usual one, since no sample submission shows another"
    return Submission(metric, {}, (Finding(f"the metric is {metric}", why, "guess"),))


def on_scale_of(labels: Labels, metric: str, columns: Sequence[Column]) -> Labels:
    """Labels whose numbers are learned on the scale of the metric: logarithms for RMSLE, also by
    column, and the numbers themselves for RMSE and R2."""
    values = [column.numbers for column in columns]
    logarithms = metric in ("rmsle", "mcrmsle")
    if labels.kind != "regression" or not (logarithms or metric in ("rmse", "r2")):
        return labels
    least = min((float(v.min()) for v in values if v is not None), default=-1.0)
    return replace(labels, log=logarithms and least >= 0)


Rule = tuple[str, Certainty, str, dict[str, Any]]
"""Metric, certainty, why, further arguments."""


def _rule(labels: Labels, cells: Sequence[Column], class_columns: Sequence[str]) -> Rule:
    """What the cells of the sample submission say."""
    if labels.kind == "regression":
        if labels.log:
            return "rmsle", "guess", "the numbers span several powers of ten", {}
        return "rmse", "likely", "numbers are to be predicted", {}
    if labels.kind == "ordinal":
        return "qwk", "likely", "grades are to be predicted", {}
    if labels.kind == "multilabel":
        return _of_labels(labels, cells)
    if len(cells) > 1:
        metric = "log-loss" if class_columns else "auc"
        why = "the sample submission has a column of probabilities for each class"
        return metric, "likely", why, {"submit": "probabilities"}
    return _of_class(labels, cells[0]) if cells else (DEFAULT[labels.kind], "guess", "", {})


def _of_labels(labels: Labels, cells: Sequence[Column]) -> Rule:
    if len(cells) == 1 and labels.separator:
        more = _separator(labels, cells[0])
        return "f1-samples", "likely", "the sample submission has names of labels", more
    values = {float(text) for cell in cells for text in cell.counts if _is_number(text)}
    if values == {0.0, 1.0} and len(cells) > 1:
        why = "the sample submission has both 0 and 1"
        return "f1-samples", "guess", why, {}
    certainty: Certainty = "likely" if values - {0.0, 1.0} else "guess"
    return "mean-auc", certainty, "the sample submission has probabilities of labels", {}


def _separator(labels: Labels, cell: Column) -> dict[str, Any]:
    """`submission_separator` if the sample submission has another than the labels."""
    for separator in (" ", "|", ";", ","):
        if separator == labels.separator:
            continue
        parts = [text.split(separator) for text in cell.counts if separator in text]
        if parts and all(set(names) <= set(labels.names) for names in parts):
            return {"submission_separator": separator}
    return {}


def _of_class(labels: Labels, cell: Column) -> Rule:
    """What the only value column of a sample submission says about exclusive classes."""
    texts, names = set(cell.counts), set(labels.names)
    several = _ranked(texts, names)
    if several:
        why = f"a row of the sample submission has {several} classes, the most probable first"
        return f"map@{several}", "likely", why, {}
    numeric = all(map(_is_number, texts)) and bool(texts)
    if not numeric:
        known = "names of classes" if texts <= names else f"texts such as {min(texts, default='')}"
        certainty: Certainty = "likely" if texts <= names else "guess"
        return "accuracy", certainty, f"the sample submission has {known}", {}
    values = {float(text) for text in texts}
    whole = all(value.is_integer() for value in values)
    named = {float(name) for name in names if _is_number(name)}
    if whole and (len(values) > 1 or labels.kind == "multiclass"):
        if len(values) == 1 and not values <= named and len(named) == len(names):
            why = f"the sample submission has {min(texts)} everywhere, which is none of the classes"
            return "accuracy", "guess", why, {}  # numbers of classes are written, not their places
        index = {} if values <= named else {"submit": "index"}
        return "accuracy", "likely", "the sample submission has classes", index
    if labels.kind == "multiclass":
        return "accuracy", "guess", f"the sample submission has numbers such as {min(texts)}", {}
    sure: Certainty = "guess" if whole else "likely"
    why = f"the sample submission has {min(texts)}, which may be a probability"
    index = {"submit": "index"} if whole and not named else {}
    return "auc", sure, why if whole else why.replace("may be", "is"), index


def _ranked(texts: set[str], names: set[str]) -> int:
    """How many class names each cell has, if they are several; else 0. A few may be unknown."""
    if texts <= names:
        return 0
    counts = {len(text.split(" ")) for text in texts}
    parts = {part for text in texts for part in text.split(" ")}
    known = len(parts & names) >= 0.5 * len(parts) > 0
    return counts.pop() if len(counts) == 1 and known and 1 not in counts else 0


def _column_names(
    labels: Labels, columns: Sequence[str], class_columns: Sequence[str], more: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """`columns`, if they are not those that the factory takes by itself."""
    if more.get("submit") == "probabilities" or (labels.kind == "multilabel" and len(columns) > 1):
        written = tuple(class_columns) or tuple(columns)
        if set(written) != set(labels.names):
            yield "columns", written
    elif len(columns) == 1:
        if columns != list(labels.columns):
            yield "columns", tuple(columns)
    elif labels.kind == "regression" and set(columns) != set(labels.columns):
        yield "columns", tuple(columns)


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False
