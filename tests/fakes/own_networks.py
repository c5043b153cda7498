"""Networks as plugins have them, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


class Small(nn.Module):
    """A network without settings."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = self.layer(image).mean((2, 3))
        return pooled


class WithSettings(nn.Module):
    """A network with a setting."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, width, 3), nn.Linear(width, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.last(self.first(image).relu().mean((2, 3)))
        return out


def build_with_settings(settings: Mapping[str, Any]) -> nn.Module:
    return WithSettings(settings["width"])
