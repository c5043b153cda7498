"""Predictions that are numbers become rows: of classes, labels, grades and values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from comp.bundle.parts.decide import decide
from comp.bundle.parts.images import Image
from comp.bundle.parts.predictions import Predicted
from comp.bundle.parts.rows import make_rows
from comp.bundle.parts.samples import id_column
from comp.errors import DataError


def number_parts(
    bundle: Mapping[str, Any],
    root: Path,
    images: Sequence[Image],
    predicted: Iterable[Predicted],
    broken: Mapping[int, Image],
    file: Path | None,
) -> Iterator[Mapping[str, Any]]:
    """The rows of each image, in order; a broken image gets the mean prediction.

    Args:
        broken: the images without a prediction, by their number, after the last prediction.
        file: gets the predictions, too; None: no file.

    Raises:
        DataError: no image can be predicted.
    """
    values = numbers_of(images, predicted, broken)
    if file:
        save_predictions(file, images, values)
    rows, decision = dict(bundle["rows"]), bundle["decision"]
    if rows["kind"] == "table":
        rows["id_column"] = id_column(root, bundle["data"]) or rows["id_column"]
    make = make_rows(rows)
    pairs = zip(images, values, strict=True)
    return (make(image, value, decide(value, decision)) for image, value in pairs)


def numbers_of(
    images: Sequence[Image], predicted: Iterable[Predicted], broken: Mapping[int, Image]
) -> np.ndarray:
    """The predictions of all images, float32 (N, K); a broken image gets the mean prediction.

    Args:
        broken: the images without a prediction, by their number, after the last prediction.
    """
    values: np.ndarray | None = None
    for number, _, prediction in predicted:
        if values is None:
            values = np.zeros((len(images), len(prediction)), np.float32)
        values[number] = prediction
    if values is None:
        raise DataError("no image of the test can be predicted")
    if broken:
        good = np.ones(len(images), dtype=bool)
        good[list(broken)] = False
        values[~good] = np.mean(values[good], axis=0)
    return values


def save_predictions(path: Path, images: Sequence[Image], values: np.ndarray) -> None:
    """Write `ids` and `values` to an .npz file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        np.savez(stream, ids=np.array([image.id for image in images]), values=values)
