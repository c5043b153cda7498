"""Backbones of a fixed input size, and inputs that are not square.

Such a backbone arranges its patches in a grid. timm raises an error for a grid that does not fit,
but only if the number of patches is wrong, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import timm
import torch

from comp.config.image_size import setting_text, size_text
from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.backbone import pretrained_cfg
from comp.models.weights import TIMM_ERRORS


def check_grid(config: RunConfig, arguments: Mapping[str, Any]) -> None:
    """Check that a backbone gets the grid of an input that is not square right.

    Args:
        arguments: those of timm.create_model; without `img_size` there is nothing to check.

    Raises:
        ConfigError: the backbone takes the grid for a square, or weights for another grid have as
            many patches, so that timm does not rearrange their positions.
    """
    size = arguments.get("img_size")
    if not isinstance(size, tuple):
        return
    name, (height, width) = config.backbone, size
    _, *trained = pretrained_cfg(name).input_size
    if (config.pretrained or config.weights) and height * width == math.prod(trained):
        sides = " x ".join(map(str, trained))
        raise ConfigError(
            f"image.size = {setting_text(size)} has as many pixels as {sides}, the size of the "
            f"weights of {name}, and their positions would be confused: change one side, or use a "
            "convolutional backbone"
        )
    if math.isqrt(height * width) ** 2 == height * width:
        _check_twice_as_wide(config, arguments, size)


def _check_twice_as_wide(
    config: RunConfig, arguments: Mapping[str, Any], size: tuple[int, int]
) -> None:
    """A network that takes the grid for a square refuses twice as many patches."""
    wide = (size[0], 2 * size[1])
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            network = timm.create_model(config.backbone, **{**arguments, "img_size": wide}).eval()
            network(torch.zeros(1, arguments["in_chans"], *wide))
    except TIMM_ERRORS as error:
        raise ConfigError(
            f"image.size = {setting_text(size)}: {config.backbone} takes images of "
            f"{size_text(size)} pixels for square ones: use a square size or another backbone"
        ) from error
