"""The result of a fold of one network."""

from __future__ import annotations

import math
from typing import Any

from comp.pipeline.fold_context import FoldContext
from comp.runs.results import FoldResult
from comp.training.spec import FitResult


def network_result(
    context: FoldContext, fit_result: FitResult, score: float, setup_s: float, predict_s: float
) -> FoldResult:
    """The result of a network that took `setup_s` seconds to build and `predict_s` to predict."""
    meter = fit_result.meter
    training_s = max(1e-9, fit_result.seconds - meter.validate_s)
    replanned: dict[str, Any] = {}
    if fit_result.points:
        points = [list(point) for point in fit_result.points]
        replanned = {"planned": fit_result.planned_first, "points": points}
    return FoldResult(
        fold=context.fold,
        score=score,
        loss=fit_result.best.loss,
        epoch=math.ceil(fit_result.best.step / context.epoch_steps),
        step=fit_result.best.step,
        steps=fit_result.steps,
        planned=fit_result.planned,
        stopped_early=fit_result.stopped_early,
        setup_s=setup_s,
        fit_s=fit_result.seconds,
        predict_s=predict_s,
        validate_s=meter.validate_s,
        images_per_second=meter.images / training_s,
        wait_share=meter.wait_s / training_s,
        averaged=fit_result.averaged,
        replanned=replanned,
    )
