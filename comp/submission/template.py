"""The expected ids of a submission, checked before the training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from comp.contract.competition import Competition, Sample
from comp.errors import DataError
from comp.submission.difference import id_differences
from comp.submission.spec import SubmissionSpec, Template
from comp.submission.validate import template_ids


def template_of(competition: Competition, root: Path, test: Sequence[Sample]) -> Template:
    """The sample submission in the data folder, or the ids of the test samples without one.

    Raises:
        DataError: the sample submission of the competition is missing.
    """
    if competition.sample_submission is None:
        return [sample.id for sample in test]
    path = root / competition.sample_submission
    if not path.is_file():
        raise DataError(f"no {competition.sample_submission} in {root}: fetch the data again")
    return path


def submission_spec(competition: Competition, template: Template) -> SubmissionSpec:
    """Combine a template with the limits, decimals and labels of a competition."""
    return SubmissionSpec(
        template=template,
        limits=competition.limits,
        decimals=competition.decimals,
        labels=competition.classes,
    )


def check_ids(competition: Competition, root: Path, test: Sequence[Sample]) -> None:
    """Check that the rows of the test samples are those of the sample submission.

    The rows are made from predictions of zeros, so the check takes about a second for millions of
    rows and runs before the training.

    Raises:
        DataError: the ids differ; the message says how.
    """
    template = template_of(competition, root, test)
    if not isinstance(template, Path):
        return
    parts = [competition.rows(sample, _blank(competition, sample), 0.5) for sample in test]
    ids = [pl.Series("id", next(iter(part.values())), dtype=pl.String) for part in parts]
    problems = (
        id_differences(pl.concat(ids), template_ids(template)) if ids else ["no test samples"]
    )
    if problems:
        raise DataError(
            f"the test data and {template.name} do not match: {'; '.join(problems)}; "
            "fetch the data again"
        )


def _blank(competition: Competition, sample: Sample) -> np.ndarray:
    """A prediction of zeros in the shape of the model's output."""
    if competition.dense:
        assert sample.size is not None, "samples of a dense competition carry their size"
        return np.zeros((*sample.size, competition.outputs), dtype=np.float32)
    return np.zeros(competition.outputs, dtype=np.float32)
