"""Whether test-time augmentation harms the score of a fold."""

from __future__ import annotations

from comp.inference.tta import resolve_tta
from comp.pipeline.fold_context import FoldContext
from comp.runs.progress import Reporter

TTA_TOLERANCE = 0.01
"""Relative loss of score by test-time augmentation that is worth a note."""


def tell_if_tta_harms(
    context: FoldContext, without: float | None, score: float, reporter: Reporter
) -> None:
    """Tell the user if the score of the same weights falls with test-time augmentation."""
    metric = context.competition.metric
    tta = resolve_tta(context.competition, context.config)
    if tta == "none" or without is None or not metric.better(without, score):
        return
    if abs(without - score) > TTA_TOLERANCE * max(abs(without), abs(score)):
        reporter.note(
            f"fold {context.fold}: {metric.name} is {score:.5f} with predict.tta = {tta}, but "
            f"{without:.5f} without it: set predict.tta = none if the other folds agree"
        )
