"""Batches of half the size, after the GPU has run out of memory."""

from __future__ import annotations

from dataclasses import replace

from comp.pipeline.fold_context import FoldContext
from comp.pipeline.rank_checks import is_mixed
from comp.runs.progress import Reporter
from comp.training.device import (
    OutOfMemoryError,
    cannot_halve,
    choose_precision,
    make_accelerator,
)
from comp.training.ranks import current_ranks


def with_smaller_batches(context: FoldContext, reporter: Reporter) -> FoldContext:
    """The same fold with batches of half the size, twice as many per optimizer step.

    Raises:
        OutOfMemoryError: the batches cannot be halved.
    """
    config = context.config
    size, parts = config.loader.batch_size, config.optim.accumulate
    least = current_ranks().size * (2 if is_mixed(config) else 1)  # mixing needs pairs
    if size % (2 * least):
        raise OutOfMemoryError(cannot_halve(size, least))
    device = context.accelerator.device
    problem = "out of memory: " if device.type == "cpu" else "out of GPU memory: "
    reporter.note(f"{problem}batches of {size // 2} instead of {size}, {2 * parts} per step")
    loader = config.loader.model_copy(update={"batch_size": size // 2})
    optim = config.optim.model_copy(update={"accumulate": 2 * parts})
    config = config.model_copy(update={"loader": loader, "optim": optim})
    precision = choose_precision(config.precision, device)
    return replace(
        context,
        config=config,
        accelerator=make_accelerator(device, precision, config.optim.accumulate),
    )
