"""Competitions of segmentation, from folders of images and masks.

`segmenter` fills in the whole contract: a plugin has about 15 lines. The network is an
encoder-decoder on a timm backbone, for images of any size.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from comp.config.nesting import merge
from comp.contract.competition import Competition
from comp.contract.metric import Metric
from comp.contract.metrics import DICE, by_name
from comp.contract.task import Task
from comp.tasks.classification import refuse_unknown
from comp.tasks.held_out import with_parts
from comp.tasks.mask_scores import ScoreOfPlanes, submitted_scores
from comp.tasks.mask_table import MaskTable
from comp.tasks.rle_table import RleTable
from comp.tasks.sample_columns import SampleColumns
from comp.tasks.segmentation import segmentation
from comp.tasks.table_files import noun_of

if TYPE_CHECKING:
    import torch

    from comp.config.schema import RunConfig
    from comp.contract.pipeline import Pipeline
    from comp.submission.rle import RleFormat

DEFAULTS: Mapping[str, Any] = {
    "backbone": "resnet34",
    "pretrained": True,
    "epochs": 20,
    "validations": 2,
    "optim": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.01},
    "loader": {"batch_size": 8},
}
"""Defaults of a segmentation; a plugin's own `defaults` override them."""

SYNTHETIC_DEFAULTS: Mapping[str, Any] = {
    "backbone": "test_efficientnet",
    "pretrained": False,
    "freeze": "none",
    "thaw": {"how": "never"},
    "epochs": 6,
    "image": {"size": 64},
    "optim": {"lr": 3e-3},
}
"""Defaults for synthetic data: timm's smallest EfficientNet from random weights."""


def segmenter(
    *,
    name: str,
    title: str,
    kaggle: str,
    classes: Sequence[str] = ("mask",),
    task: Task | None = None,
    metric: Metric | str = DICE,
    images: str = "train/images",
    masks: str | None = "train/masks",
    mask_suffix: str = "",
    test_images: str = "test/images",
    test_share: float = 0.0,
    table: str | None = "train.csv",
    id_column: str = "id",
    rle_column: str | None = "rle_mask",
    group_column: str | None = None,
    group_pattern: str | None = None,
    weight_column: str | None = None,
    time_column: str | None = None,
    class_column: str | None = None,
    submit: Sequence[str] | None = None,
    sample_submission: str | None = "sample_submission.csv",
    rle: RleFormat | None = None,
    join_rows: bool = False,
    submit_size: tuple[int, int] | None = None,
    **fields: Any,
) -> Competition:
    """A competition of segmentation.

    Args:
        classes: names of masks that may overlap; or give the `task`.
        masks: folder of the training masks; None: they are the run lengths of `table`.
        mask_suffix: what is behind the name of an image in that of its mask, such as "_mask".
        table: CSV file with the ids of the training images; None: all images of the folder. If it
            has run lengths, those of some images are compared with the masks and `rle`.
        group_column: column of `table`; all images of a group are in the same fold.
        group_pattern: regular expression with groups for the names of image files; see
            `image_table`.
        test_share: for data without a test set: this share of the training images is the test set,
            which `comp grade` scores. Needs sample_submission=None.
        weight_column, time_column: columns of `table` with the weight in the loss, and the time.
        rle_column: column of the run lengths; None: each class has one with its name.
        class_column: column of the class in the submission. None: ids are `<image>_<class>` if
            several classes are submitted in one column, else `<image>`.
        submit: the classes that are submitted; None: all. The metric sees these alone.
        rle: how run lengths are written; None: down the columns, first pixel 1, empty "".
        join_rows: if masks are None: several rows of an image and a class are objects of one mask;
            else they are refused. The objects are not told apart.
        submit_size: (height, width) of the submitted masks, if Kaggle wants another one than that
            of the images. The decided masks are resized to the nearest pixel just before their run
            lengths are written; scores, and run lengths of `table`, are those of the whole images.
        fields: further fields of `Competition`; they override those that follow from the table.

    Raises:
        ValueError: the arguments contradict each other; a TypeError for an unknown argument.
    """
    refuse_unknown("segmenter", fields, inspect.signature(segmenter).parameters)
    task = task or segmentation(classes)
    files = (MaskTable if masks else RleTable)(
        task=task,
        labels=tuple(task.labels if submit is None else submit),
        images=images,
        masks=masks or "",
        test_images=test_images,
        table=table,
        id_column=id_column,
        rle_column=rle_column,
        group_column=group_column,
        class_column=class_column,
        sample_submission=sample_submission,
        more=SampleColumns(weight_column, time_column),
        rle=rle,
        mask_suffix=mask_suffix,
        join_rows=join_rows,
        submit_size=submit_size,
    )
    fields |= {"name": name, "title": title, "kaggle": kaggle}
    return with_parts(_made(files, metric, fields), group_pattern, group_column, test_share)


def _made(files: MaskTable, metric: Metric | str, fields: Mapping[str, Any]) -> Competition:
    """The competition, before groups in names and a share of the samples for the test.

    Raises:
        ValueError: the arguments contradict each other.
    """
    found = _fields_of(files, metric, fields)
    return Competition(**found | dict(fields) | _defaults(fields))


def _defaults(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of a segmentation with those of a plugin."""
    return {
        "defaults": merge(DEFAULTS, fields.get("defaults", {})),
        "synthetic_defaults": merge(SYNTHETIC_DEFAULTS, fields.get("synthetic_defaults", {})),
    }


def _check(files: MaskTable, fields: Mapping[str, Any]) -> None:
    """Raise ValueError if the arguments contradict each other."""
    task, labels, table = files.task, files.labels, files.table
    if not set(labels) <= set(task.labels) or not labels:
        raise ValueError(f"submit = {labels}: name labels of the task ({', '.join(task.labels)})")
    if not files.masks and (table is None or task.decision is None or task.decision.fit is None):
        raise ValueError("masks = None needs a table, and classes that do not exclude each other")
    if "rle_columns" in fields:
        raise ValueError("rle_columns follow from rle_column: leave them out")
    if files.class_column and not files.rle_column:
        raise ValueError("rle_column = None has a column for each class: leave out class_column")
    if files.more.names and table is None:
        raise ValueError(f"the column {files.more.names[0]!r} needs a table: give table")
    if files.submit_size is not None:
        _check_size(files.submit_size)
        if "rows" in fields:
            raise ValueError("submit_size does not change rows of your own: leave out one of them")


def _check_size(size: object) -> None:
    """Raise ValueError if a size of submitted masks is not two positive whole numbers."""
    sides = size if isinstance(size, tuple | list) else ()
    if len(sides) != 2 or any(type(side) is not int or side < 1 for side in sides):
        raise ValueError(
            f"submit_size = {size!r}: give (height, width) in pixels, such as (350, 525)"
        )


def _fields_of(files: MaskTable, metric: Metric | str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Competition` that follow from the files and the task.

    Raises:
        ValueError: the arguments contradict each other.
    """
    _check(files, fields)
    scored = _metric_of(metric, files.task.labels, files.labels)
    files = replace(files, task=_scored_by(files.task, files.labels))
    names = {"table": files.table, "images": files.images, "masks": files.masks}
    names |= {"test_images": files.test_images}
    arguments = {path: name for name, path in reversed(names.items()) if path}
    return {
        "task": files.task,
        "metric": scored,
        "samples": files.samples,
        "rows": files.rows,
        "draw_synthetic": files.draw,
        "layout": tuple(dict.fromkeys(path for path in names.values() if path)),
        "file_arguments": {str(files.sample_submission): "sample_submission"} | arguments,
        "sample_submission": files.sample_submission,
        "rle_columns": tuple(dict.fromkeys(files.rle_columns.values())),
        "group": noun_of(files.group_column),
        "reader": files.reader,
        "pipeline": augment,
        "model": partial(build, outputs=files.task.outputs),
    }


def _metric_of(metric: Metric | str, labels: Sequence[str], submitted: Sequence[str]) -> Metric:
    """The metric, of the planes of the submitted labels."""
    metric = by_name(metric) if isinstance(metric, str) else metric
    if set(submitted) == set(labels):
        return metric
    indices = tuple(map(labels.index, submitted))
    return replace(metric, score=ScoreOfPlanes(metric.score, indices))


def _scored_by(task: Task, submitted: Sequence[str]) -> Task:
    """The task with further scores of the submitted labels alone."""
    if task.decision is None or set(submitted) == set(task.labels):
        return task
    indices = tuple(map(task.labels.index, submitted))
    return replace(task, scores=partial(submitted_scores, task.decision, submitted, indices))


def augment(config: RunConfig, train: bool) -> Pipeline:
    """Random crops of `image.size` and the section `augment`, for image and mask together."""
    from comp.data.augment import mask_pipeline
    from comp.models.backbone import resolve_input

    return mask_pipeline(config, train, resolve_input(config).size)


def build(config: RunConfig, outputs: int) -> torch.nn.Module:
    """An encoder-decoder: float (N, 3, H, W) in 0..1 to the raw outputs of the loss."""
    from comp.models.segmenter import build_segmenter

    return build_segmenter(config, outputs)
