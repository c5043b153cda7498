"""Why the training of a fold failed: the samples of a batch, or weights that grew."""

from __future__ import annotations

import numpy as np

from comp.pipeline.fold_context import FoldContext

REMEDY = "lower optim.lr, set optim.clip_norm, or use precision fp32"


def explain_loss(context: FoldContext, steps: int, batch: int) -> str:
    """Name the samples of a batch, and say whether their values explain a loss that is not
    finite."""
    batch_sampler = context.batch_sampler(steps)
    batch_sampler.start = batch
    drawn = next(iter(batch_sampler))
    dataset = context.dataset()
    ids = [context.train[index].id for index, _ in drawn]
    not_finite = [
        context.train[index].id
        for index, stream in drawn
        if not all(bool(np.isfinite(np.asarray(v)).all()) for v in dataset[index, stream].values())
    ]
    names = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
    if not_finite:
        return f"{names}: the input of {not_finite[0]} contains values that are not finite"
    return (
        f"{names}: their values are finite, so the gradients grew without bound; {REMEDY}; the "
        "last checkpoint is kept"
    )


def explain_no_score(finite: bool) -> str:
    """Why there is no score of predictions that are `finite`, or not."""
    if finite:
        return "look at the data and the metric"
    return f"the predictions are not finite, so the weights grew without bound; {REMEDY}"
