"""Checks of the masks, the run lengths and the sample submission of a segmentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.task import Task
from comp.errors import DataError
from comp.tasks.mask_files import read_table
from comp.tasks.mask_rows import Cells, Key

if TYPE_CHECKING:
    import numpy as np

    from comp.tasks.mask_table import MaskTable

CHECKED = 32
"""Training masks that are compared with their run lengths."""

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


def check_classes(path: Path, keys: Sequence[Key], labels: Sequence[str]) -> None:
    """Compare the classes of each image in the sample submission with those that are written, in
    any order.

    Args:
        keys: the image and the label of each row; "" for the label if the row has all of them.

    Raises:
        DataError: they differ.
    """
    found: dict[str, list[str]] = {}
    for image, name in keys:
        found.setdefault(image, []).append(name)
    for image, names in found.items():
        if names != [""] and sorted(names) != sorted(labels):
            raise DataError(
                f"{path} has the classes {', '.join(names)} for '{image}', but the plugin writes "
                f"{', '.join(labels)}: correct the classes, or give submit those of the sample"
            )


def check_format(path: Path, cells: Cells, masks: Mapping[str, Path], table: MaskTable) -> None:
    """Compare the format of the submission with the run lengths of some training masks.

    Args:
        path: the table of the run lengths.
        masks: the mask images, by id.

    Raises:
        DataError: they differ.
    """
    from comp.data.images.masks import read_mask
    from comp.submission.rle import detect_format, is_blank

    task, chosen = table.task, [table.task.labels.index(label) for label in table.labels]
    full = [i for i, row in cells.items() if not all(is_blank(row[k]) for k in chosen)]
    blank = [i for i, row in cells.items() if all(is_blank(row[k]) for k in chosen)]
    if not full:
        return
    read: list[tuple[str | None, np.ndarray]] = []
    for name in [*full[:CHECKED], *blank[:1]]:
        planes = task.encode(read_mask(masks[name], **mask_reading(task)))
        read += [(cells[name][k], planes[..., k]) for k in chosen]
    found, why = detect_format(
        [cell for cell, _ in read],
        [plane.shape[:2] for _, plane in read],
        masks=[plane for _, plane in read],
    )
    if (found.order, found.base) != (table.form.order, table.form.base):
        raise DataError(
            f"{path} has run lengths in {found} ({why.split(':')[-1].strip()}"
            f"), but the plugin writes {table.form}: correct its rle"
        )


def check_empty_mark(
    path: Path,
    cells: Iterable[str | None],
    sample: Path | None,
    columns: Sequence[str],
    empty: str,
) -> None:
    """Compare how an empty mask is written with the training table.

    The sample submission decides if it has blank cells or marks.

    Args:
        path: the training table, with the `cells`.
        columns: the columns of the run lengths in the sample submission.
        empty: the mark that the plugin writes.

    Raises:
        DataError: they differ.
    """
    from comp.submission.rle import EMPTY_MARKS, is_blank

    marks = {cell.strip() for cell in cells if cell and cell.strip() in EMPTY_MARKS}
    if not marks or empty in marks:
        return
    if sample and sample.is_file():
        frame = read_table(sample, [None])
        of_sample = [cell for column in columns for cell in frame.get(column, [])]
        if any(is_blank(cell) or cell.strip() in EMPTY_MARKS for cell in of_sample):
            return
    mark = min(marks)
    raise DataError(
        f"{path} has '{mark}' for an empty mask, but the plugin writes '{empty}': give the plugin "
        f"rle=RleFormat(empty='{mark}')"
    )
