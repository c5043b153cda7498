"""Refits the BatchNorm statistics of averaged weights on the training images of a fold."""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from comp.data.dataset import DRAWS, NO_INPUTS, memory_format, to_unit
from comp.pipeline.fold_context import FoldContext
from comp.signals import stop_if_requested
from comp.training.averages import refit_batch_norms
from comp.training.mixing import batch_pipeline
from comp.training.spec import FitResult

REFIT_IMAGES = 2048
"""Training images at most: statistics of so many hardly change with more."""


def refit_images(context: FoldContext) -> int:
    """The number of training images on which a fold refits its statistics, without the rest of the
    last step."""
    return min(REFIT_IMAGES, len(context.train))


def refit(context: FoldContext, steps: int, model: nn.Module) -> None:
    """Refit the statistics on the images that would follow the `steps` of the training, augmented
    as in the training, but not mixed.

    Raises:
        Stopped: a signal came.
    """
    per_step = context.config.loader.batch_size * context.config.optim.accumulate
    after = math.ceil(refit_images(context) / per_step)
    accelerator, layout = context.accelerator, memory_format(context.config)
    on_batch = batch_pipeline(context.competition, context.config)

    def forward(network: nn.Module, batch: dict[str, Any]) -> None:
        stop_if_requested()
        names = [name for name in batch if name not in NO_INPUTS]
        values = {name: to_unit(batch[name].to(accelerator.device)) for name in names}
        if on_batch and DRAWS in batch:
            draws = batch[DRAWS].to(accelerator.device)
            values["image"], _ = on_batch(values["image"], None, draws)
        inputs = [
            value.contiguous(memory_format=layout) if value.ndim == 4 else value
            for value in values.values()
        ]
        with accelerator.autocast():
            network(*inputs)

    refit_batch_norms(model, context.batches(steps + after, steps), forward)


def describe_average(context: FoldContext, result: FitResult) -> str:
    """What a fold keeps in place of its best weights, for the user."""
    how, metric = context.config.average.how, context.competition.metric.name
    weights = f"{result.averaged} weights" if result.averaged > 1 else "1 weight"
    return (
        f"fold {context.fold}: average.how = {how} keeps the mean of {weights}: {metric} "
        f"{result.best.score:.5f}, the last weights alone {result.last_score:.5f}"
    )
