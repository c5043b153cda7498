"""The best weights of a fold so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn


@dataclass
class BestWeights:
    """The best weights so far, and how many validations ago they were found."""

    better: Callable[[float, float | None], bool]
    score: float | None = None
    loss: float = math.nan
    step: int = 0
    waits: int = 0
    state: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def offer(self, model: nn.Module, score: float, loss: float, step: int) -> None:
        """Keep a copy of the weights if `score` beats all before it."""
        self.waits += 1
        if self.better(score, self.score):
            self.score, self.loss, self.step, self.waits = score, loss, step, 0
            self.state = {name: t.detach().clone() for name, t in model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """What a stopped run needs to go on."""
        keys = ("score", "loss", "step", "waits")
        return {key: getattr(self, key) for key in keys} | {"state": dict(self.state)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        for key, value in state.items():
            setattr(self, key, value)
