"""The files that a prediction leaves beside the arrays: a submission, a table, images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Params, Task
from comp.data.images.decode import write_image
from comp.files import replacing
from comp.inference.predictions import join_predictions, named_columns
from comp.submission.rows import submission_rows
from comp.submission.template import submission_spec, template_of
from comp.submission.write import make_submission

SUBMISSION = "submission.csv"
TEST = "test.safetensors"
TABLE = "predictions.csv"

Predictions = Iterable[tuple[Sample, np.ndarray]]


def write_files(
    folder: Path,
    competition: Competition,
    root: Path | None,
    predicted: Sequence[Sample],
    expected: Sequence[Sample],
    params: Params | None,
) -> dict[str, Any]:
    """Write the files of the predictions in `folder / TEST`.

    Args:
        root: the competition's data, for a submission; None for other data.
        predicted: the samples or units that were predicted.
        expected: those that the submission needs.
        params: decision parameters of the run; None: the default ones.

    Returns:
        The fields `submission`, `n_rows`, `table` and `images` of `PredictResult`.
    """
    predictions = partial(join_predictions, [folder / TEST])
    written: dict[str, Any] = {"submission": None, "n_rows": 0, "table": None, "images": None}
    if root:
        path = folder / SUBMISSION
        n_rows = write_submission(path, competition, root, predictions(expected), expected, params)
        written |= {"submission": path, "n_rows": n_rows}
    if competition.task.output == "image":
        written["images"] = write_images(folder / "images", predictions(predicted))
    else:
        written["table"] = folder / TABLE
        write_table(folder / TABLE, competition.task, predictions(predicted), params)
    return written


def write_submission(
    path: Path,
    competition: Competition,
    root: Path,
    predictions: Predictions,
    samples: Sequence[Sample],
    params: Params | None,
) -> int:
    """Write the submission of the competition's own test data; returns its number of rows."""
    return make_submission(
        path,
        submission_rows(competition, predictions, params),
        submission_spec(competition, template_of(competition, root, samples), samples),
    )


def write_table(path: Path, task: Task, predictions: Predictions, params: Params | None) -> None:
    """Write predictions of numbers as a CSV: `id`, `prediction` or one column per output, and
    `decision` or one column per label if the task makes decisions."""
    listed = list(predictions)
    values = np.stack([prediction.reshape(-1) for _, prediction in listed])
    columns = {"id": pl.Series([sample.id for sample, _ in listed], dtype=pl.String)}
    columns |= _series("prediction", values, task.labels)
    decision = task.decision
    if decision:
        used = decision.default if params is None else params
        decided = np.stack([decision.apply(row, used).reshape(-1) for _, row in listed])
        if decided.shape[1] == 1 and task.labels:
            names = [task.labels[int(index)] for index in decided[:, 0]]
            columns["decision"] = pl.Series(names, dtype=pl.String)
        else:
            columns |= _series("decision", decided, task.labels)
    with replacing(path) as temporary:
        pl.DataFrame(columns).write_csv(temporary)


def _series(what: str, values: np.ndarray, labels: Sequence[str]) -> dict[str, pl.Series]:
    return {name: pl.Series(column) for name, column in named_columns(what, values, labels).items()}


def write_images(folder: Path, predictions: Predictions) -> Path:
    """Write each predicted image as an 8-bit PNG, `<folder>/<sample id>.png`. Of an image with
    other than 1 or 3 channels, each channel is a file: `<sample id>-<channel>.png`."""
    for sample, prediction in predictions:
        image = (np.clip(prediction, 0, 1) * 255).round().astype(np.uint8)
        if image.shape[2] == 3:
            write_image(folder / f"{sample.id}.png", image)
        elif image.shape[2] == 1:
            write_image(folder / f"{sample.id}.png", image[..., 0])
        else:
            for channel in range(image.shape[2]):
                write_image(folder / f"{sample.id}-{channel}.png", image[..., channel])
    return folder
