"""The last layer of a network in float32, also under autocast.

bfloat16 has 8 bits of precision: numbers near 100 would be multiples of 0.5, and probabilities near
0 or 1 would tie. Only the last layer needs more, and it costs next to nothing.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from comp.models.head_init import last_layers


class Float32Linear(nn.Linear):
    """A linear layer that computes in float32, also under autocast."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        with torch.autocast(features.device.type, enabled=False):
            return F.linear(_as(features, self.weight), self.weight, self.bias)


class Float32Conv2d(nn.Conv2d):
    """A convolution that computes in float32, also under autocast."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        with torch.autocast(features.device.type, enabled=False):
            features = _as(features, self.weight)
            out: torch.Tensor = self._conv_forward(features, self.weight, self.bias)
            return out


def use_float32_head(backbone: nn.Module) -> nn.Module:
    """Let the last layers of a timm backbone compute in float32; returns the backbone.

    Their class changes, so that copies, moving averages and state dicts stay as they are. A layer
    that is neither linear nor a convolution does not change, nor does a cosine head, which computes
    in float32 already.
    """
    for layer in last_layers(backbone):
        if not getattr(layer, "in_float32", False):
            layer.__class__ = Float32Linear if isinstance(layer, nn.Linear) else Float32Conv2d
    return backbone


def _as(features: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The features in the type of the weights, which autocast leaves as they are."""
    return features.to(weight.dtype)
