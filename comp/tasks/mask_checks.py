"""Checks of the masks, the run lengths and the sample submission of a segmentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from comp.contract.task import Task
from comp.errors import DataError

EMPTY, UNREADABLE = "empty", "unreadable"
"""Strata of masks without a pixel inside, and of masks that cannot be read."""


def check_some_inside(where: Path, strata: Iterable[str], task: Task) -> None:
    """Refuse training masks that are all the same: all are empty, or of one exclusive class.

    Args:
        where: the folder of the masks, or the table of their run lengths.
        strata: the labels of each mask, or its coverage.

    Raises:
        DataError: nothing can be learned.
    """
    readable = [stratum for stratum in strata if stratum != UNREADABLE]
    if not readable or len(set(readable)) > 1:
        return
    if readable[0] == EMPTY:
        raise DataError(
            f"{where} has {len(readable):,} training masks, and all are empty: correct the folder "
            "or the table of the masks, or the threshold of the task"
        )
    if not independent(task) and readable[0] in task.labels:
        raise DataError(
            f"{where} has {len(readable):,} training masks, and all have only the class "
            f"'{readable[0]}': correct the classes or the masks"
        )


def independent(task: Task) -> bool:
    """Whether the classes may overlap: each has its own channel."""
    return task.decision is None or task.decision.fit is not None


def mask_reading(task: Task) -> dict[str, Any]:
    """The arguments with which `read_mask` reads the masks of a task."""
    several = independent(task) and task.outputs > 1
    return {
        "channels": task.outputs if several else 1,
        "grey": independent(task) and not several,
    }


def check_order_of_classes(
    path: Path, ids: Sequence[str], classes: Sequence[str | None], labels: Sequence[str]
) -> None:
    """Compare the classes of each image in the sample submission with those that are written.

    Raises:
        DataError: they differ, or have another order.
    """
    found: dict[str, list[str | None]] = {}
    for image, name in zip(ids, classes, strict=True):
        found.setdefault(image, []).append(name)
    for image, names in found.items():
        if names != list(labels):
            raise DataError(
                f"{path} has the classes {', '.join(map(str, names))} for '{image}', but the "
                f"plugin writes {', '.join(labels)}: give submit the classes in that order"
            )


def check_empty_mark(
    path: Path, cells: Iterable[str | None], sample: Path | None, column: str, empty: str
) -> None:
    """Compare how an empty mask is written with the training table.

    The sample submission decides if it has blank cells or marks.

    Args:
        path: the training table, with the `cells`.
        column: the column of the run lengths in the sample submission.
        empty: the mark that the plugin writes.

    Raises:
        DataError: they differ.
    """
    from comp.submission.rle import EMPTY_MARKS, is_blank

    marks = {cell.strip() for cell in cells if cell and cell.strip() in EMPTY_MARKS}
    if not marks or empty in marks:
        return
    if sample and sample.is_file():
        from comp.tasks.mask_table import read_table

        of_sample = read_table(sample, [None]).get(column, [])
        if any(is_blank(cell) or cell.strip() in EMPTY_MARKS for cell in of_sample):
            return
    mark = min(marks)
    raise DataError(
        f"{path} has '{mark}' for an empty mask, but the plugin writes '{empty}': give the plugin "
        f"rle=RleFormat(empty='{mark}')"
    )
