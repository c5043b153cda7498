"""The angular margin of ArcFace, for outputs of a cosine head.

Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, 2019.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from comp.config.schema import RunConfig
from comp.errors import ConfigError

MIN_SQUARED_SINE = 1e-7
"""Smaller squared sines count as this one: the gradient of their root is infinite at 0."""


def add_margin(raw: Tensor, shares: Tensor, margin: float, scale: float) -> Tensor:
    """Raw outputs with a margin at the class of each sample: scale * cos(theta + margin).

    Beyond pi the cosine would rise again. There it is scale * (cos(theta) - margin * sin(margin)),
    so that a larger angle always has a smaller output.

    Args:
        raw: float (N, K), `scale` times the cosines of the angles theta.
        shares: float (N, K), 1 for the class of a sample, else 0.
        margin: an angle in radians, 0 to pi / 2.
    """
    cosines = (raw.float() / scale).clamp(-1, 1)
    sines = ((1 - cosines) * (1 + cosines)).clamp(min=MIN_SQUARED_SINE).sqrt()
    inside = cosines * math.cos(margin) - sines * math.sin(margin)
    beyond = cosines - margin * math.sin(margin)
    shifted = torch.where(cosines > -math.cos(margin), inside, beyond)
    return scale * torch.where(shares > 0.5, shifted, cosines)


def check_arcface(config: RunConfig) -> None:
    """Check that the outputs are cosines, and that each target is one class.

    Raises:
        ConfigError: the head is not a cosine head, or mixup, CutMix or label smoothing is set.
    """
    if config.head.kind != "cosine":
        raise ConfigError(
            f"loss.name = 'arcface' needs cosines, but head.kind = '{config.head.kind}': set "
            "head.kind=cosine"
        )
    shared = {
        "loader.mixup": config.loader.mixup,
        "loader.cutmix": config.loader.cutmix,
        "loss.smoothing": config.loss.smoothing,
    }
    found = [f"{key} = {value}" for key, value in shared.items() if value]
    if found:
        raise ConfigError(
            f"loss.name = 'arcface' needs one class per sample, but targets are shared by "
            f"{' and '.join(found)}: set {'them' if len(found) > 1 else 'it'} to 0"
        )
