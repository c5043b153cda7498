"""How long the full model trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from comp.config.schema import RunConfig, resolve
from comp.pipeline.full_model import full_steps
from comp.runs.results import FoldResult


@dataclass(frozen=True)
class Inputs:
    """Two folds that train on 60 and 30 of 90 samples, in batches of 10."""

    config: RunConfig

    def training_part(self, fold: int) -> range:
        return range((60, 30, 90)[fold])


def result(fold: int, step: int, steps: int) -> FoldResult:
    names = ("setup_s", "fit_s", "predict_s", "validate_s", "wait_share")
    times: dict[str, Any] = dict.fromkeys(names, 0.0)
    return FoldResult(
        fold=fold,
        score=0.0,
        loss=0.0,
        epoch=1,
        step=step,
        steps=steps,
        planned=steps,
        stopped_early=False,
        images_per_second=1.0,
        **times,
    )


@pytest.mark.parametrize(
    ("settings", "results", "steps"),
    [
        ({"max_steps": 40}, [(20, 40), (30, 40)], 40),
        ({"budget": 60.0}, [(20, 40), (30, 20)], 30),
        ({"epochs": 10}, [(20, 60), (30, 30)], 90),
        ({"epochs": 10, "patience": 2}, [(24, 36), (3, 9)], 22),  # 4 epochs and 1
        ({"max_steps": 40, "patience": 2}, [(20, 40), (10, 30)], 15),
        ({"model": ["gbdt"]}, [(20, 40), (30, 40)], None),
    ],
)
def test_its_steps_are_the_mean_of_those_of_the_folds(
    settings: dict[str, Any], results: list[tuple[int, int]], steps: int | None
) -> None:
    base = {"folds": 2, "loader": {"batch_size": 10}}
    inputs: Any = Inputs(resolve("toy", [base, settings]))
    found = [result(fold, *counts) for fold, counts in enumerate(results)]
    assert full_steps(inputs, found) == steps
