"""Any task of numbers from a table: a CSV of training rows, one of test rows, a sample submission.

`table` fills in the whole contract for two or more classes, several labels, grades and numbers: a
plugin has about 15 lines.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from comp.config.nesting import merge
from comp.contract.competition import Competition
from comp.contract.metric import Metric
from comp.contract.metrics import by_name
from comp.contract.task import Task
from comp.errors import ConfigError
from comp.tasks.classification import DECIMALS, refuse_unknown
from comp.tasks.held_out import with_test_share
from comp.tasks.image_table import check_table, default_metric, limits_of, submission_of
from comp.tasks.label_cells import LabelCells, form_of, label_cells_of
from comp.tasks.name_groups import check_pattern
from comp.tasks.row_table import RowTable
from comp.tasks.sample_columns import SampleColumns
from comp.tasks.table import Submit
from comp.tasks.table_files import noun_of
from comp.tasks.training_rows import TrainingRows

if TYPE_CHECKING:
    import torch

    from comp.config.schema import RunConfig
    from comp.contract.pipeline import Pipeline
    from comp.tasks.row_cells import OwnFeatures

DEFAULTS: Mapping[str, Any] = {
    "model": ["gbdt"],
    "epochs": 60,
    "validations": 10,
    "optim": {"name": "adamw", "lr": 2e-3, "weight_decay": 3e-4, "clip_norm": 1.0},
    "loader": {"batch_size": 256},
    "predict": {"tta": "none", "batch_size": 4096},
}
"""Defaults of a table; a plugin's own `defaults` override them."""

SYNTHETIC_DEFAULTS: Mapping[str, Any] = {
    "epochs": 20,
    "validations": 2,
    "gbdt": {"iterations": 60, "threads": 1},
    "mlp": {"layers": 2, "width": 32, "bins": 8, "embedding": 4},
    "tabm": {"members": 4, "layers": 1, "width": 32, "bins": 8, "embedding": 4},
    "loader": {"batch_size": 32},
}
"""Defaults for the small synthetic table."""

PASSED_ON = (
    *("test", "id_column", "id_is_feature", "group_column", "features"),
    *("sample_submission", "submission_id"),
)
"""Arguments of `table` that are fields of `RowTable`."""


def table(
    *,
    task: Task,
    name: str,
    title: str,
    kaggle: str,
    metric: Metric | str | None = None,
    train: str = "train.csv",
    test: str | None = "test.csv",
    test_share: float = 0.0,
    target_table: str | None = None,
    id_column: str = "id",
    numbered: bool = False,
    id_is_feature: bool = False,
    target: str | Sequence[str] | None = None,
    separator: str = "",
    allow_blank: bool = False,
    skip_blank_targets: bool = False,
    group_column: str | None = None,
    group_pattern: str | None = None,
    weight_column: str | None = None,
    time_column: str | None = None,
    drop: Sequence[str] = (),
    features: OwnFeatures | None = None,
    sample_submission: str | None = "sample_submission.csv",
    submission_id: str | None = None,
    submit: Submit | None = None,
    columns: Sequence[str] = (),
    submission_separator: str = "",
    top: int | None = None,
    **fields: Any,
) -> Competition:
    """A competition whose data is a table. Each row has an id, and the models learn from all other
    columns that `train` and `test` both have.

    Args:
        task: a task of numbers: binary, multiclass, multilabel, ordinal or regression.
        metric: the default is AUC for two classes, accuracy for more, mean AUC for several labels,
            QWK for grades, and RMSE for numbers.
        test_share: for data without a test set, with test=None and sample_submission=None: this
            share of the training rows is the test set, which `comp grade` scores.
        target_table: the CSV with the ids and the targets, if `train` does not have the targets.
        numbered: the rows of `train` have no column `id_column`: their ids are row_1, row_2, ...
        id_is_feature: the ids are a feature too, such as the date and hour of a row.
        target: the column of `train` with the class, the grade or the number; or several columns,
            one 0 or 1 for each label, or one number each, in the order of the task's labels. The
            default is "target", or the names of several labels or numbers.
        separator: what is between the names of several labels in one column.
        skip_blank_targets: rows of `train` without a target are left out; else they are an error.
        group_column: all rows of a group are in the same fold; it is not a feature.
        group_pattern: regular expression with groups for an id, such as r"^([0-9]+)_" for 0012_01;
            all rows of a group are in the same fold.
        weight_column: the weight in the loss; it is not a feature.
        time_column: the time, for scheme = time; it is a feature if `test` has it too.
        drop: further columns that are no features, such as a name, or columns of one file only.
        features: a function of a polars frame of the features, whose columns of numbers are
            Float64 and whose others are texts, that returns the same rows with other columns. It
            may use the cells of a row, but not those of other rows. It needs `draw_synthetic`.
        submission_id, submit, columns, submission_separator, top: what the submission contains, as
            for `comp.tasks.image_table.image_table`; the default of `columns` is the target.
        fields: further fields of `Competition`, such as `test_labels` or `defaults`; they override
            the values that follow from the table.

    Raises:
        ValueError: the values contradict each other; a TypeError for an unknown argument.
    """
    given = dict(locals())
    _check_arguments(given)
    metric = by_name(metric) if isinstance(metric, str) else metric or default_metric(task)
    cells = _label_cells(task, target, separator, allow_blank)
    more = _defaults(fields)
    rows = RowTable(
        cells=cells,
        labels=train,
        **{argument: given[argument] for argument in PASSED_ON},
        **submission_of(cells, metric, submit, top, tuple(columns), submission_separator),
        exact="decimals" not in fields,
        more=SampleColumns(weight_column, time_column),
        drop=(drop,) if isinstance(drop, str) else tuple(drop),
        named=_named_columns(more["defaults"]),
        training=TrainingRows(numbered, target_table, skip_blank_targets, group_pattern),
    )
    names = {"name": name, "title": title, "kaggle": kaggle, "task": task, "metric": metric}
    return with_test_share(Competition(**_fields_of(rows) | names | fields | more), test_share)


def _check_arguments(given: Mapping[str, Any]) -> None:
    """Raise ValueError if the arguments of `table` contradict each other, TypeError for one that it
    does not know."""
    refuse_unknown("table", given["fields"], inspect.signature(table).parameters)
    if given["features"] is not None and "draw_synthetic" not in given["fields"]:
        raise ValueError("features needs draw_synthetic too: a function that draws such a table")
    check_pattern("group_pattern", given["group_pattern"])
    if given["group_pattern"] and (given["group_column"] or given["numbered"]):
        raise ValueError("group_pattern needs ids, and no group_column: give one of them")
    if given["numbered"] and (given["id_is_feature"] or given["target_table"]):
        raise ValueError("id_is_feature and target_table need ids: leave numbered out")
    if (given["test"] is None) != (given["test_share"] > 0):
        raise ValueError("test_share is for test=None, a table without test rows: give both")


def _defaults(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "defaults": merge(DEFAULTS, fields.get("defaults", {})),
        "synthetic_defaults": merge(SYNTHETIC_DEFAULTS, fields.get("synthetic_defaults", {})),
    }


def _label_cells(
    task: Task, target: str | Sequence[str] | None, separator: str, allow_blank: bool
) -> LabelCells:
    one = target if isinstance(target, str) else None
    several = () if isinstance(target, str | None) else tuple(target)
    if target is None and (separator or form_of(task) == "class"):
        one = "target"
    return label_cells_of(task, one, several, separator, allow_blank)


def _fields_of(rows: RowTable) -> dict[str, Any]:
    """The fields of `Competition` that follow from a table, which is checked."""
    check_table(rows)
    files = {rows.labels: "train", rows.training.target_table: "target_table", rows.test: "test"}
    files = {path: argument for path, argument in files.items() if path is not None}
    return {
        "samples": rows.samples,
        "read_table": rows.read_other,
        "table_columns": rows.own_columns if rows.features else None,
        "draw_synthetic": rows.draw,
        "rows": rows.rows,
        "columns": True,
        "pipeline": no_augmentation,
        "model": no_network,
        "inputs": (),
        "limits": limits_of(rows),
        "decimals": DECIMALS,
        "layout": tuple(files),
        "file_arguments": files | {str(rows.sample_submission): "sample_submission"},
        "sample_submission": rows.sample_submission,
        "label_separator": rows.separator if rows.submit in ("labels", "top") else "",
        "group": "group of ids" if rows.training.group_pattern else noun_of(rows.group_column),
    }


def _named_columns(defaults: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """The lists of column names in the section `columns` of a plugin's defaults."""
    section = defaults.get("columns", {})
    return {
        key: [value] if isinstance(value, str) else list(value)
        for key, value in section.items()
        if isinstance(value, str | list | tuple) and key != "scale"
    }


def no_augmentation(_config: RunConfig, _train: bool) -> Pipeline:
    """The pipeline of a table, which nothing augments."""
    from comp.data.pipelines import Unchanged

    return Unchanged()


def no_network(config: RunConfig) -> torch.nn.Module:
    """The network of images of a table, which has none.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(
        f"model = network learns from images, but {config.competition} is a table: use gbdt, tabm, "
        "mlp, or several, such as --set model=[gbdt,tabm]"
    )
