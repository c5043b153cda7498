"""The section `predict`: how predictions are made, and what is adapted to the test images."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from comp.config.section import Section


def _none_to_text(value: object) -> object:
    """`--set predict.tta=none` arrives as None."""
    return value or "none"


class PredictConfig(Section):
    """How predictions are made."""

    tta: Annotated[
        Literal["auto", "none", "hflip", "vflip", "flips", "turns", "dihedral"],
        BeforeValidator(_none_to_text),
    ] = Field(
        "auto",
        description="test-time augmentation: average the predictions of flipped and turned copies; "
        "auto: as training flips and turns; dihedral: all eight",
    )
    batch_size: int = Field(32, ge=1, description="samples per prediction batch")
    tile: int = Field(
        1024, ge=64, description="side of the tiles in pixels; larger images are predicted in tiles"
    )
    overlap: int = Field(64, ge=0, description="pixels that neighbouring tiles share")
    adapt: Annotated[Literal["none", "batchnorm"], BeforeValidator(_none_to_text)] = Field(
        "none",
        description="batchnorm: predict the test images with BatchNorm statistics of these images, "
        "if they look different from the training images",
    )
    adapt_weight: float | None = Field(
        None,
        ge=0,
        le=1,
        description="batchnorm: weight of the statistics of the test images against the trained "
        "ones; unset: n / (n + 16) for n images",
    )
    shares: Annotated[Literal["none", "em", "bbse"], BeforeValidator(_none_to_text)] = Field(
        "none",
        description="em or bbse: estimate the class shares of the test without labels, and "
        "re-weight its probabilities for them",
    )
