"""The first weights of a new head."""

from __future__ import annotations

from typing import Any

from torch import nn

HEAD_STD = 0.01
"""Standard deviation of the first weights of a head, as in torchvision's classifiers."""


def last_layers(backbone: nn.Module) -> list[nn.Linear | nn.Conv2d]:
    """The last layer of each classifier of a timm backbone, if it is linear or a convolution."""
    find: Any = getattr(backbone, "get_classifier", None)
    found = find() if find else None
    heads = found if isinstance(found, tuple | list | nn.ModuleList) else [found]
    return [layer for layer in map(_last_layer, heads) if layer is not None]


def _last_layer(head: Any) -> nn.Linear | nn.Conv2d | None:
    modules = [*head.modules()] if isinstance(head, nn.Module) else []
    return next((m for m in reversed(modules) if isinstance(m, nn.Linear | nn.Conv2d)), None)


def start_small(backbone: nn.Module) -> None:
    """Draw small weights for the last layers, so that training starts from outputs near 0.

    timm's own first weights depend on the architecture. Those of the EfficientNet family depend on
    the number of outputs: with one output they are uniform in -1..1, the first outputs have a
    standard deviation of several units, and their gradients harm the pretrained weights.
    """
    for layer in last_layers(backbone):
        nn.init.normal_(layer.weight, std=HEAD_STD)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
