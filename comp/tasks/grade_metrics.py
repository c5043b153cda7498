"""Which metrics fit ordered grades, whose predictions and targets are their indices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from comp.contract.metric import Metric
from comp.contract.scoring.classes import auc, log_loss, probabilistic_f1
from comp.contract.scoring.labels import mean_auc, mean_average_precision, mean_log_loss
from comp.contract.scoring.numbers import (
    mae,
    mape,
    mean_columnwise_rmse,
    mean_columnwise_rmsle,
    r2,
    rmse,
    rmsle,
    rmspe,
)
from comp.tasks.label_cells import grade_numbers

_OF_PROBABILITIES: tuple[Any, ...] = (
    auc, log_loss, mean_auc, mean_average_precision, mean_log_loss, probabilistic_f1,
)  # fmt: skip
_OF_DISTANCES: tuple[Any, ...] = (mae, mean_columnwise_rmse, r2, rmse)
"""The same for grades and their indices if grades are consecutive numbers."""
_OF_RATIOS: tuple[Any, ...] = (mape, mean_columnwise_rmsle, rmsle, rmspe)
"""The same if the first of them is 0, too."""


def metric_problem(names: Sequence[str], metric: Metric) -> str:
    """Why a metric cannot score grades with these names, with the remedy; "" if it can.

    Grades whose names are not all numbers have their indices as numbers.
    """
    functions = set(_functions(metric.score))
    if functions & set(_OF_PROBABILITIES):
        return (
            "it compares probabilities of classes, and grades are predicted as one number: choose "
            "qwk, mae or another metric of grades, or the task multiclass"
        )
    numbers = grade_numbers(names)
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    exact = steps == {1.0} and (numbers[0] == 0 or not functions & {*_OF_RATIOS})
    if exact or not functions & {*_OF_RATIOS, *_OF_DISTANCES}:
        return ""
    return (
        f"it compares numbers, and would score the indices 0 to {len(names) - 1} of the grades "
        f"{', '.join(names[:5])}{', ...' * (len(names) > 5)}: choose qwk or another metric of "
        "grades, or the task regression"
    )


def _functions(score: Callable[..., float]) -> Iterator[Callable[..., float]]:
    """The function behind a score, and those of the parts of a weighted sum."""
    if not isinstance(score, partial):
        yield score
        return
    yield score.func
    for parts in score.args:
        if isinstance(parts, tuple):
            for part in parts:
                yield from _functions(part[0])
