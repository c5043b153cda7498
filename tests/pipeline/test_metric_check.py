"""A metric that does not fit the task is found before any training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toys import toy, values

from comp.contract.competition import Competition
from comp.contract.metric import array_metric
from comp.contract.metrics import ACCURACY, AUC, RMSE
from comp.contract.sample import Sample
from comp.errors import CompetitionError
from comp.pipeline.metric_check import check_metric


def difference(targets: np.ndarray, predictions: np.ndarray) -> float:
    if targets.shape != predictions.shape:
        raise ValueError(f"shapes {targets.shape} and {predictions.shape}")
    return float(np.abs(targets - predictions).mean())


def samples(*targets: float) -> list[Sample]:
    return [Sample(id=str(i), image=Path(), target=t) for i, t in enumerate(targets)]


@pytest.mark.parametrize(
    "competition",
    [
        toy(classes=("a", "b"), metric=AUC),
        toy(classes=("a", "b", "c"), metric=ACCURACY),
        toy(values(), metric=RMSE),
        toy(values(), metric=array_metric("difference", difference, "min")),
    ],
)
def test_a_metric_that_fits_is_accepted(competition: Competition) -> None:
    check_metric(competition, samples(0, 1, 1))


def test_a_metric_that_does_not_fit_is_refused() -> None:
    competition = toy(values(3), metric=array_metric("difference", difference, "min"))
    words = r"metric difference of toy does not fit its task \(numbers\): shapes"
    with pytest.raises(CompetitionError, match=words):
        check_metric(competition, samples(0, 1, 1))
