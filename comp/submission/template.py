"""What the competition and its sample submission ask of a submission."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from comp.contract.competition import Competition
from comp.contract.file_names import wrong_file_name
from comp.contract.sample import Sample
from comp.errors import DataError
from comp.submission.spec import SubmissionSpec, Template


def template_of(competition: Competition, root: Path, test: Sequence[Sample]) -> Template:
    """The sample submission in the data folder, or the ids of the test samples without one.

    Raises:
        DataError: the sample submission of the competition is missing.
    """
    if competition.sample_submission is None:
        return [sample.id for sample in test]
    path = root / competition.sample_submission
    if not path.is_file():
        name = competition.sample_submission
        raise DataError(
            wrong_file_name(competition, [name], root)
            or f"no {name} in {root}: fetch the data again"
        )
    return path


def submission_spec(
    competition: Competition, template: Template, test: Sequence[Sample] = ()
) -> SubmissionSpec:
    """Combine a template with what the competition declares.

    Args:
        test: the test samples; run lengths must be inside the images whose size they have.
    """
    return SubmissionSpec(
        template=template,
        limits=competition.limits,
        decimals=competition.decimals,
        labels=competition.task.labels,
        separator=competition.label_separator or " " * several_labels(competition),
        rle=competition.rle_columns,
        pixels={sample.id: math.prod(sample.size) for sample in test if sample.size},
    )


def several_labels(competition: Competition) -> bool:
    """Whether a decision has one value for each label, so that several labels may apply."""
    task = competition.task
    if task.decision is None or task.output == "image" or len(task.labels) < 2:
        return False
    blank = np.zeros(task.outputs, dtype=np.float32)
    return np.size(task.decision.apply(blank, task.decision.default)) == len(task.labels)
