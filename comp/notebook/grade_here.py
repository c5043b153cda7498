"""Scores the submission file of a notebook on test labels here, for a data set, which takes no
submissions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Params
from comp.data.labelled_test import labelled_test
from comp.data.location import open_data
from comp.errors import CompError, DataError, SubmissionError
from comp.inference.oof import OofPairs, score
from comp.notebook.check import fetch_output
from comp.notebook.job import Job
from comp.runs.folder import RunFolder
from comp.submission.ledger import Attempt

PROBES = (0.37, 0.11, 0.23, 0.05, 0.17, 0.07)
"""Predictions by which the column of each output is found."""


def grade_here(job: Job, attempt: Attempt) -> Attempt:
    """Fetch the submission file of a notebook, and score it if the test labels are here.

    Raises:
        SubmissionError: the file lacks a labelled sample, or has no prediction for it.
    """
    path = fetch_output(job, attempt)
    job.reporter.step(f"fetched     {path}")
    name = job.kaggle.slug
    try:
        value, count = score_file(path, job)
    except DataError as error:
        job.reporter.step(f"not scored  {name} is a data set, which takes no submissions: {error}")
        return job.record("graded", attempt, value=None)
    metric = job.candidate.competition.metric.name
    shown = "not defined" if value is None else f"{value:.5f}"
    job.reporter.step(
        f"scored here {metric} {shown} on {count:,} test labels; {name} is a data set, which takes "
        "no submissions"
    )
    return job.record("graded", attempt, value=value)


def score_file(path: Path, job: Job) -> tuple[float | None, int]:
    """The competition's metric of a submission file, and the number of labels.

    Raises:
        DataError: there are no labels here, or the file does not contain the predictions.
        SubmissionError: a labelled sample has no row.
    """
    competition = job.candidate.competition
    if competition.test_labels is None:
        raise DataError(f"{competition.name} has no labelled test data")
    if competition.pool or competition.task.output == "image":
        raise DataError(
            f"its file has no predictions to score, 'comp grade {job.candidate.run_id}' scores "
            "those of the run"
        )
    samples = labelled_test(competition, open_data(competition, _data(job), job.workspace))
    columns = prediction_columns(competition, samples[0])
    table = read_predictions(path, competition, columns)
    missing = [sample.id for sample in samples if sample.id not in table]
    if missing:
        raise SubmissionError(
            f"{path} lacks {len(missing)} labelled test samples, the first is '{missing[0]}'"
        )
    pairs = OofPairs(competition.task, lambda: _of(samples, table), None)
    value = score(competition, pairs, _params(job))
    return (value if math.isfinite(value) else None), len(samples)


def _of(
    samples: Sequence[Sample], table: Mapping[str, np.ndarray]
) -> Iterator[tuple[Sample, np.ndarray]]:
    for sample in samples:
        yield sample, table[sample.id]


def _data(job: Job) -> Path:
    """The data with the labels: as told, that of the run, or that of the workspace."""
    told = job.options.data or job.candidate.record.get("data")
    return Path(told) if told else job.workspace.data(job.name)


def _params(job: Job) -> Params | None:
    """The parameters of the decisions that the run fitted, if it is here."""
    run = RunFolder(job.workspace.runs(job.name) / str(job.candidate.run_id))
    try:
        return run.decision_params()
    except CompError:
        return None


def prediction_columns(competition: Competition, sample: Sample) -> Sequence[str]:
    """The columns of a submission that hold the outputs of the model, in their order: those in
    which a probe comes out as it went in.

    Raises:
        DataError: not every output has such a column.
    """
    outputs = competition.task.outputs
    probe = np.resize(np.asarray(PROBES, dtype=np.float32), outputs)
    probe = probe + np.arange(outputs, dtype=np.float32) * np.float32(1e-4)
    decision = competition.task.decision
    decided = decision.apply(probe, decision.default) if decision else probe
    rows = competition.rows(sample, probe, decided)
    found = []
    for value in probe:
        fits = [name for name, cells in rows.items() if _holds(cells, float(value))]
        if len(fits) != 1:
            raise DataError("its file has decisions and not predictions, which cannot be scored")
        found.append(fits[0])
    return found


def _holds(cells: object, value: float) -> bool:
    """Whether a column of one row has this number."""
    try:
        numbers = np.asarray(cells, dtype=float)
    except (TypeError, ValueError):
        return False
    return numbers.size == 1 and abs(float(numbers.flat[0]) - value) < 2e-5


def read_predictions(
    path: Path, competition: Competition, columns: Sequence[str]
) -> dict[str, np.ndarray]:
    """The predictions in a submission file by id, which is its first column.

    Raises:
        SubmissionError: it lacks a column, or has something else than numbers there.
    """
    import polars as pl

    try:
        frame = pl.read_csv(path, infer_schema=False)
        values = frame.select(pl.col(*columns).cast(pl.Float32)).to_numpy()
    except pl.exceptions.PolarsError as error:
        raise SubmissionError(
            f"{path} of {competition.name} cannot be read: {str(error).splitlines()[0]}"
        ) from None
    return dict(zip(frame.to_series(0).to_list(), values, strict=True))
