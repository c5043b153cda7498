"""The section `features`: the output of the frozen stages of a backbone, computed once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from comp.config.nearest import true_false_or
from comp.config.section import Section


class FeaturesConfig(Section):
    """The features of frozen stages, which all folds and epochs share."""

    cache: Annotated[
        Literal["auto", "partial"] | bool, BeforeValidator(true_false_or("auto", "partial"))
    ] = Field(
        "auto",
        description="compute what the frozen stages return once per image, and train the rest on "
        "it; auto: with freeze=all, thaw.how=never and pretrained weights; partial: also with some "
        "frozen stages; true: refuse a run where it cannot be",
    )
    views: int = Field(
        4,
        ge=0,
        le=64,
        description="augmented copies of each training image in the cache of features, beside the "
        "image and the copies that predict.tta needs",
    )
