"""The rows of a submission, from predictions and decision parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Params
from comp.errors import RunError


def submission_rows(
    competition: Competition,
    predictions: Iterable[tuple[Sample, np.ndarray]],
    params: Params | None = None,
) -> Iterator[Mapping[str, Any]]:
    """Yield the columns that `competition.rows` returns for each prediction.

    Args:
        params: parameters of the decisions; None: the default ones.

    Raises:
        RunError: a prediction is not finite.
    """
    decision = competition.task.decision
    for sample, values in predictions:
        if not np.isfinite(values).all():
            raise RunError(
                f"the prediction of {sample.id} is not finite: training diverged, lower optim.lr"
            )
        decided = values
        if decision:
            used = decision.default if params is None else params
            decided = decision.apply(values.copy(), used)  # it may work in place
        yield competition.rows(sample, values, decided)
