"""The section `average`: the mean of the weights at the end of a training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from comp.config.section import Section

MOST_WEIGHTS = 50
"""Weights that `average.count` may ask for."""


class AverageConfig(Section):
    """The mean of the weights at several steps at the end of a fold, in place of the best ones."""

    how: Annotated[
        Literal["none", "swa", "soup", "greedy-soup"], BeforeValidator(lambda v: v or "none")
    ] = Field(
        "none",
        description="swa (mean weights, BatchNorm refitted on training images), soup (mean weights "
        "and statistics), or greedy-soup (those that raise the held-out score)",
    )
    last: float = Field(
        0.25, gt=0, le=1, description="share of the steps, at the end, from which weights are taken"
    )
    count: int = Field(
        5, ge=2, le=MOST_WEIGHTS, description="weights to take, at equal distances of steps"
    )
