"""Checks that the metric fits the task, before any training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from comp.contract.competition import Competition
from comp.contract.metric import Pair
from comp.contract.sample import Sample
from comp.errors import CompetitionError
from comp.inference import oof

SAMPLES = 200
"""Targets that are scored."""


def check_metric(competition: Competition, train: Sequence[Sample]) -> None:
    """Score blank predictions of some training samples whose targets are numbers.

    Raises:
        CompetitionError: the metric cannot score the targets or the predictions of the task.
    """
    task = competition.task
    labelled = [s for s in train if s.target is not None and not isinstance(s.target, Path)]
    if task.output != "numbers" or not labelled:
        return
    step = -(-len(labelled) // SAMPLES)
    blank = np.full(task.outputs, 1 / max(2, task.outputs), dtype=np.float32)
    pairs = [
        Pair(oof.read_target(task, sample, None), blank, sample.id, sample.group)
        for sample in labelled[::step]
    ]
    try:
        oof.score(competition, pairs)
    except ValueError as error:
        raise CompetitionError(
            f"the metric {competition.metric.name} of {competition.name} does not fit its task "
            f"({task.kind}): {error}"
        ) from None
