"""The rows of out-of-fold predictions that can be drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from comp.page.blocks import Block, Paragraph
from comp.page.words import say
from comp.review.facts import NumberOof


def chosen_rows(numbers: NumberOof, rows: np.ndarray) -> NumberOof:
    """Some of the samples.

    Args:
        rows: bool (N,), or indices.
    """
    kept = np.arange(len(numbers.ids))[rows].tolist()
    return replace(
        numbers,
        ids=[numbers.ids[row] for row in kept],
        groups=[numbers.groups[row] for row in kept],
        folds=numbers.folds[rows],
        targets=numbers.targets[rows],
        predictions=numbers.predictions[rows],
        decided=None if numbers.decided is None else numbers.decided[rows],
    )


def finite_rows(numbers: NumberOof) -> tuple[NumberOof, list[Block]]:
    """The samples whose prediction is finite, and a warning if there are others."""
    good = np.isfinite(numbers.predictions).all(axis=1) & np.isfinite(numbers.targets).all(axis=1)
    if good.all():
        return numbers, []
    words = say(
        "{n} of {m} predictions are not finite numbers. They are left out here.",
        n=int((~good).sum()),
        m=len(good),
    )
    return chosen_rows(numbers, good), [Paragraph(words, "bad")]
