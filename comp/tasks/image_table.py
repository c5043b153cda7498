"""Any task of numbers from a CSV of labels, folders of images, and a sample submission.

`image_table` fills in the whole contract for two or more classes, several labels, grades and
numbers: a plugin has about 15 lines.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from comp.contract.competition import Competition
from comp.contract.metric import Metric
from comp.contract.metrics import ACCURACY, AUC, MEAN_AUC, QWK, RMSE, by_name
from comp.contract.sample import Sample, Split
from comp.contract.task import Task
from comp.tasks.classification import classifier, refuse_unknown
from comp.tasks.feature_columns import more_columns
from comp.tasks.held_out import with_parts
from comp.tasks.image_ids import names_of
from comp.tasks.label_cells import LabelCells, form_of, grade_numbers, label_cells_of
from comp.tasks.submission_columns import check_columns
from comp.tasks.table import Submit, Table
from comp.tasks.table_files import noun_of

if TYPE_CHECKING:
    import numpy as np


def image_table(
    *,
    task: Task,
    name: str,
    title: str,
    kaggle: str,
    metric: Metric | str | None = None,
    labels: str = "train.csv",
    id_column: str = "id",
    label_column: str | None = None,
    label_columns: Sequence[str] = (),
    separator: str = "",
    submission_separator: str = "",
    allow_blank: bool = False,
    group_column: str | None = None,
    group_pattern: str | None = None,
    weight_column: str | None = None,
    time_column: str | None = None,
    images: str | Sequence[str] = "train",
    test_images: str | Sequence[str] = "test",
    test_share: float = 0.0,
    feature_columns: Sequence[str] = (),
    test_table: str = "test.csv",
    sample_submission: str | None = "sample_submission.csv",
    submission_id: str | None = None,
    submit: Submit | None = None,
    columns: Sequence[str] = (),
    top: int | None = None,
    samples: Callable[[Path, Split], Sequence[Sample]] | None = None,
    draw_synthetic: Callable[[Path, np.random.Generator], None] | None = None,
    **fields: Any,
) -> Competition:
    """A competition of images and numbers. `comp.tasks.table.Table` explains its fields.

    Args:
        task: a task of numbers: binary, multiclass, multilabel, ordinal or regression.
        metric: the default is AUC for two classes, accuracy for more, mean AUC for several labels,
            QWK for grades, and RMSE for numbers.
        label_column: column of the class, the grade, the number, or the names of several labels;
            the default is "label", or the name of the only number.
        label_columns: columns with one 0 or 1 for each label or class, or one number each, in the
            order of the task's labels; the default for several labels and numbers is their names.
        separator: what is between the names of several labels in `label_column`.
        submission_separator: what is between names in a cell of the submission, for the submit
            "labels" and "top"; the default is `separator`, else a space.
        allow_blank: a blank cell of such names means no label; else it is an error.
        group_pattern: regular expression with groups for the names of image files, such as
            r"^([0-9]+)_" for 12_left.jpg; all images of a group are in the same fold. With a slash
            it is for paths in the data, such as r"/(patient[0-9]+)/" for train/patient7/12.jpg.
        test_share: for data without a test set: this share of the training images is the test set,
            which `comp grade` scores. Needs sample_submission=None.
        weight_column, time_column: columns with the weight in the loss, and the time.
        submit: the default follows from what the metric takes. Of predictions (AUC, log loss,
            RMSE): "probability" of two classes, "probabilities" of more and of several labels, and
            "numbers". Of decisions (accuracy, F1, QWK): "label", and of several labels "labels" if
            there is a separator, else "numbers", 0 or 1 each. A value that is given is taken as it
            is, even if the metric takes something else: the file is then not what CV scores.
        images, test_images: a folder; or several, as a list of names or as one name with wildcards,
            such as "part_*". An image name must be in one of them only.
        feature_columns: columns of `labels` that the network gets beside the image; `test_table`
            is the CSV file with the ids of the test images and these columns.
        top: how many names a cell of the submit "top" has; the default is 5. A metric such as map@3
            sets both: submit is "top", and top is 3, or the number of labels if it is smaller.
        columns: the default is the task's labels for one column each, else the label column. The
            labels may stand in any order: each value is written in the column of its label.
        samples: reads data in another layout; needs `draw_synthetic` too.
        draw_synthetic: draws the synthetic data; the default draws stripes.
        fields: further fields of `Competition`, such as `group`, `test_labels` or `defaults`; they
            override the values that follow from the table.

    Raises:
        ValueError: the values contradict each other; a TypeError for an unknown argument.
    """
    refuse_unknown("image_table", fields, inspect.signature(image_table).parameters)
    metric = by_name(metric) if isinstance(metric, str) else metric or default_metric(task)
    cells = label_cells_of(task, label_column, tuple(label_columns), separator, allow_blank)
    table = Table(
        cells=cells,
        labels=labels,
        id_column=id_column,
        group_column=group_column,
        **_folders(images=images, test_images=test_images),
        sample_submission=sample_submission,
        submission_id=submission_id,
        **submission_of(cells, metric, submit, top, tuple(columns), submission_separator),
        exact="decimals" not in fields,
        **more_columns(weight_column, time_column, feature_columns, test_table),
    )
    names = {"name": name, "title": title, "kaggle": kaggle, "task": task, "metric": metric}
    given = _fields_of(table, samples, draw_synthetic) | names | fields
    return with_parts(classifier(**given), group_pattern, group_column, test_share)


def _folders(**folders: str | Sequence[str]) -> dict[str, Any]:
    return {k: name if isinstance(name, str) else tuple(name) for k, name in folders.items()}


def default_metric(task: Task) -> Metric:
    """AUC for two classes, accuracy for more, mean AUC for several labels, QWK for grades, RMSE for
    numbers."""
    form = form_of(task)
    if form != "class":
        return {"labels": MEAN_AUC, "numbers": RMSE}[form]
    if task.outputs > 1:
        return ACCURACY
    return AUC if len(task.labels) == 2 else QWK


def submission_of(
    cells: LabelCells,
    metric: Metric,
    submit: Submit | None,
    top: int | None,
    columns: tuple[str, ...],
    separator: str,
) -> dict[str, Any]:
    """The fields of `Table` that say what is in the submission."""
    submit, top = _ranking(cells, metric, submit, top)
    return {
        "submit": submit,
        "top": top,
        "columns": columns or _default_columns(cells, submit),
        "separator": _submission_separator(separator, cells.separator, submit),
        "decided": cells.task.decision is not None and metric.takes == "decisions",
    }


def _ranking(
    cells: LabelCells, metric: Metric, submit: Submit | None, top: int | None
) -> tuple[Submit, int]:
    """`submit` and `top`, as a metric of the first labels needs them.

    Raises:
        ValueError: the given values, or the task, contradict the metric.
    """
    task = cells.task
    if metric.top is None:
        return submit or _default_submit(cells, metric), 5 if top is None else top
    if form_of(task) == "numbers" or (form_of(task) == "class" and task.outputs == 1):
        raise ValueError(
            f"the metric {metric.name} ranks three or more classes, or several labels, and the "
            f"task predicts {task.kind}: choose another metric"
        )
    if submit not in (None, "top"):
        raise ValueError(
            f"submit = {submit!r} does not fit the metric {metric.name}, which compares the names "
            f"of the first {metric.top}: leave submit out"
        )
    needed = min(metric.top, len(task.labels))
    if top not in (None, metric.top, needed):
        raise ValueError(
            f"top = {top} does not fit the metric {metric.name}, which compares the first "
            f"{metric.top}: leave top out"
        )
    return "top", needed


def _default_submit(cells: LabelCells, metric: Metric) -> Submit:
    """What the metric takes, so that the file is what CV scores."""
    task = cells.task
    if cells.form == "numbers":
        return "numbers"
    if metric.takes == "decisions":
        if cells.form == "class":
            return "label"
        return "labels" if cells.separator else "numbers"
    if cells.form == "labels" or task.outputs > 1:
        return "probabilities"
    return "probability" if len(task.labels) == 2 else "numbers"


def _submission_separator(given: str, separator: str, submit: str) -> str:
    if given and submit not in ("labels", "top"):
        raise ValueError(f"submission_separator is for submit labels or top, not for {submit}")
    return given or separator or " "


def _default_columns(cells: LabelCells, submit: Submit) -> tuple[str, ...]:
    names = cells.task.labels
    if submit == "probabilities" or (submit == "numbers" and cells.form == "labels"):
        return names
    if submit == "numbers" and cells.form == "numbers":
        return cells.columns
    return cells.columns if len(cells.columns) == 1 else ("label",)


def check_table(table: Table) -> None:
    """Raise ValueError if the values of a plugin contradict each other."""
    if table.beside.names and table.sample_submission is None:
        raise ValueError("feature_columns needs sample_submission, whose ids test_table has too")
    task, form, submit = table.task, table.cells.form, table.submit
    if submit not in get_args(Submit):
        choices = ", ".join(get_args(Submit))
        raise ValueError(f"submit = {submit!r} is unknown: use one of {choices}")
    count, grades = len(table.task.labels), form == "class" and task.outputs == 1
    fitting: dict[str, tuple[Submit, ...]] = {
        "labels": ("probabilities", "labels", "numbers", "top"),
        "numbers": ("numbers",),
        "class": ("probabilities", "label", "index", "top"),
    }
    allowed = fitting[form]
    if grades:  # a single number for all classes
        allowed = ("label", "index", "numbers")
        allowed = ("probability", "probabilities", *allowed[:2]) if count == 2 else allowed
    if submit not in allowed:
        raise ValueError(f"submit = {submit} does not fit {task.kind}: use {_list_of(allowed)}")
    per_name = submit == "probabilities" or (submit == "numbers" and form != "class")
    needed = count if per_name else 1
    if len(table.columns) != needed:
        raise ValueError(
            f"submit = {submit} writes {needed} column{'s' * (needed > 1)}, but the names in "
            f"columns are {len(table.columns)}: correct columns, or leave it out"
        )
    check_columns(table)
    mixed = [name for name in task.labels if table.separator in name]
    if submit in ("labels", "top") and mixed:
        raise ValueError(f"the label {mixed[0]!r} contains the separator {table.separator!r}")
    if submit == "top" and not 1 <= table.top <= count:
        raise ValueError(f"top = {table.top}: give a number from 1 to {count}")


def _list_of(choices: Sequence[str]) -> str:
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last


def limits_of(table: Table) -> tuple[float, float] | None:
    """The smallest and the largest valid value of a submission; None: any number."""
    names = table.task.labels
    limits: dict[str, Any] = {
        "probability": (0.0, 1.0),
        "probabilities": (0.0, 1.0),
        "index": (0.0, len(names) - 1.0),
    }
    if table.submit == "numbers" and table.cells.form != "numbers":
        numbers = grade_numbers(names) if table.cells.form == "class" else (0.0, 1.0)
        limits["numbers"] = (min(numbers), max(numbers))
    return limits.get(table.submit)


def _fields_of(table: Table, samples: Any, draw_synthetic: Any) -> dict[str, Any]:
    """The fields of `Competition` that follow from a table.

    Raises:
        ValueError: the values of the plugin contradict each other.
    """
    check_table(table)
    if samples is not None and draw_synthetic is None:
        raise ValueError("samples needs draw_synthetic too: give a function that draws such data")
    files = {table.labels: "labels"}
    for argument, folders in (("images", table.images), ("test_images", table.test_images)):
        files |= {name: argument for name in names_of(folders) if name not in files}
    if table.beside.names:
        files |= {table.beside.test_table: "test_table"}
    return {
        "samples": samples or table.samples,
        "draw_synthetic": draw_synthetic or table.draw,
        "rows": table.rows,
        "limits": limits_of(table),
        "layout": tuple(files),
        "file_arguments": files | {str(table.sample_submission): "sample_submission"},
        "sample_submission": table.sample_submission,
        "label_separator": table.separator if table.submit in ("labels", "top") else "",
        "group": noun_of(table.group_column),
        "columns": bool(table.beside.names),
    }
