"""The section `head`: how a classifier pools its features, and its last layer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from comp.config.section import Section


class HeadConfig(Section):
    """The head of a classifier on a timm backbone."""

    pool: Literal["own", "avg", "max", "avgmax", "gem"] = Field(
        "own",
        description="pooling of the features of all pixels: own (the backbone's), avg, max, "
        "avgmax (half of each), or gem (generalized mean)",
    )
    gem_p: float = Field(
        3.0, ge=1, description="gem: power at the start; it trains, and 1 is the average"
    )
    kind: Literal["linear", "cosine"] = Field(
        "linear",
        description="last layer: linear, or cosine (between features and the weights of a class, "
        "times loss.scale)",
    )
