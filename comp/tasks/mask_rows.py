"""The rows of a table of run lengths: which image and which class each of them is of.

A table is long or wide. A long one has a row for each image and class: the class is in a column of
its own, or the ids are `<image>_<class>`; with one class, ids are images. A wide one has a row for
each image, and a column for each class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.errors import DataError
from comp.tasks.cell_values import group_of_cell

Cells = dict[str, tuple[str | None, ...]]
"""Id of an image -> the run lengths of each label of the task; None if there are none."""
Key = tuple[str, str]
"""The image and the label of a row; "" for the label if the row is of all labels."""


def keys_of(
    path: Path,
    frame: Mapping[str, Sequence[Any]],
    id_column: str,
    class_column: str | None,
    labels: Sequence[str],
) -> list[Key]:
    """The key of each row of a long table.

    Args:
        path: the table, for messages.
        class_column: the column of the class; None: ids end with one of `labels`.

    Raises:
        DataError: an id ends with none of the labels.
    """
    ids = frame[id_column]
    if class_column:
        return [(i, str(name)) for i, name in zip(ids, frame[class_column], strict=True)]
    return [split_id(i, labels, path, id_column) for i in ids]


def split_id(row_id: str, labels: Sequence[str], path: Path, id_column: str) -> Key:
    """The image and the label of an id `<image>_<label>`; of several that fit, the longest.

    Raises:
        DataError: none fits.
    """
    fitting = [label for label in labels if row_id.endswith(f"_{label}")]
    if not fitting:
        raise DataError(
            f"{path} has the {id_column} '{row_id}', which does not end with a class "
            f"({', '.join(labels)}): correct the classes or class_column"
        )
    label = max(fitting, key=len)
    return row_id.removesuffix(f"_{label}"), label


def groups_of(
    path: Path, images: Sequence[str], groups: Sequence[str | None], column: str
) -> dict[str, str]:
    """The group of each image.

    Args:
        images: the image of each row.
        groups: the cell of each row in `column`; spaces around it do not count.

    Raises:
        DataError: a cell is blank, or two rows of an image differ.
    """
    found: dict[str, str] = {}
    named = [group_of_cell(group) for group in groups]
    blank = [i for i, group in zip(images, named, strict=True) if group is None]
    if blank:
        raise DataError(
            f"{path}: the {column} of '{blank[0]}' is blank ({len(blank)} such rows): fill it in, "
            "with a value of its own for an image that belongs to no other"
        )
    for image, group in zip(images, named, strict=True):
        if found.setdefault(image, str(group)) != group:
            raise DataError(
                f"{path}: the rows of '{image}' have the {column}s '{found[image]}' and "
                f"'{group}': give all rows of an image the same"
            )
    return found


def joined_runs(first: str | None, second: str | None) -> str | None:
    """The run lengths of the pixels that are in one of two masks, or in both.

    Raises:
        DataError: a text is not a list of run lengths.
    """
    from comp.submission.rle import read_runs

    runs = sorted([*read_runs(first).tolist(), *read_runs(second).tolist()])
    merged: list[list[int]] = []
    for start, length in runs:
        if merged and start <= sum(merged[-1]):
            merged[-1][1] = max(sum(merged[-1]), start + length) - merged[-1][0]
        else:
            merged.append([start, length])
    return " ".join(f"{start} {length}" for start, length in merged) or first or second


def cells_of(
    path: Path,
    frame: Mapping[str, Sequence[Any]],
    keys: Sequence[Key],
    columns: Mapping[str, str],
    labels: Sequence[str],
    join: bool = False,
) -> Cells:
    """The run lengths of each image.

    Args:
        columns: label -> column of its run lengths.
        labels: the labels of the task, in order.
        join: rows of the same image and label are parts of one mask; else they are refused.

    Raises:
        DataError: two rows are of the same image and label, or a label is unknown.
    """
    found: dict[str, dict[str, str | None]] = {}
    for row, (image, label) in enumerate(keys):
        if label and label not in labels:
            raise DataError(
                f"{path} has the class '{label}' for '{image}', which is not one of "
                f"{', '.join(labels)}: correct the classes"
            )
        of_image = found.setdefault(image, {})
        for name in [label] if label else columns:
            if name in of_image and not join:
                raise DataError(
                    f"{path} has two rows for '{image}' and {name}: join their run lengths, or "
                    "give join_rows=True if they are objects of one mask"
                )
            column = columns.get(name)
            cell = frame[column][row] if column else None
            of_image[name] = joined_runs(of_image[name], cell) if name in of_image else cell
    return {image: tuple(map(of_image.get, labels)) for image, of_image in found.items()}
