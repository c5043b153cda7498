"""Why the training of a fold came to nothing, in words that follow what happened."""

from __future__ import annotations

import numpy as np

from comp.data.dataset import SampleSet
from comp.pipeline.fold_context import FoldContext

REMEDY = "lower optim.lr, set optim.clip_norm, or use precision fp32"


def bad_loss(context: FoldContext, steps: int, batch: int) -> str:
    """Which samples a batch held, and whether they are to blame for a loss that is not finite."""
    batch_sampler = context.batch_sampler(steps)
    batch_sampler.start = batch
    drawn = next(iter(batch_sampler))
    dataset = SampleSet(
        context.train, context.reader, context.competition.pipeline(context.config, True)
    )
    ids = [context.train[index].id for index, _ in drawn]
    bad = [
        context.train[index].id
        for index, stream in drawn
        if not all(bool(np.isfinite(np.asarray(v)).all()) for v in dataset[index, stream].values())
    ]
    named = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
    if bad:
        return f"{named}: the input is to blame, {bad[0]} holds values that are not finite"
    return (
        f"{named}: their values are finite, so the gradients grew without bound; {REMEDY}; the "
        "state before is kept"
    )


def no_score(sound: bool) -> str:
    """Why there is no score: of predictions that are `sound`, or of those that are not finite."""
    if sound:
        return "look at its data and its metric"
    return f"its predictions are not finite, so the weights grew without bound; {REMEDY}"
