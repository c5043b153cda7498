"""A last layer of cosines: of the angle between the features and the weights of each class."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from comp.errors import ConfigError
from comp.models.head_init import last_layers

MIN_NORM = 1e-4
"""Smaller norms count as this one, so that gradients near 0 stay limited."""


class CosineLinear(nn.Linear):
    """`scale` times the cosines between features (N, C) and weights (K, C): float (N, K).

    It computes in the type of its weights, float32, also under autocast.
    """

    scale: float
    in_float32 = True

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.weight.dtype)
            return self.scale * F.linear(_normalized(features), _normalized(self.weight))


class CosineConv2d(nn.Conv2d):
    """A `CosineLinear` for features (N, C, 1, 1) and weights (K, C, 1, 1): float (N, K, 1, 1)."""

    scale: float
    in_float32 = True

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.weight.dtype)
            return self.scale * F.conv2d(_normalized(features), _normalized(self.weight))


def _normalized(vectors: Tensor) -> Tensor:
    return F.normalize(vectors, dim=1, eps=MIN_NORM)


def use_cosine_head(backbone: nn.Module, scale: float, name: str) -> None:
    """Let the last layer of a timm backbone return cosines, without a bias.

    Its class changes, so that copies, moving averages and state dicts stay as they are.

    Args:
        scale: factor of the cosines.
        name: name of the backbone, for the message.

    Raises:
        ConfigError: the backbone has no last layer, or several.
    """
    layers = last_layers(backbone)
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    if len(layers) != 1 or any(layer.kernel_size != (1, 1) for layer in convolutions):
        raise no_cosines(name)
    layer = layers[0]
    layer.__class__ = CosineConv2d if convolutions else CosineLinear
    layer.scale = scale  # type: ignore[assignment]
    layer.register_parameter("bias", None)


def no_cosines(name: str) -> ConfigError:
    """The error of a backbone whose outputs are not those of one last layer."""
    return ConfigError(
        f"head.kind = 'cosine': {name} does not end in one linear layer; set head.kind=linear or "
        "use another backbone"
    )
