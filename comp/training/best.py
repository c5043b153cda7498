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
    """The weights with the best validation score so far.

    `score`, `loss` and `step` belong to that validation; `validations_since` counts the validations
    after it. `last_score` and `last_loss` are those of the last validation of this process.
    """

    better: Callable[[float, float | None], bool]
    score: float | None = None
    loss: float = math.nan
    step: int = 0
    validations_since: int = 0
    last_score: float = math.nan
    last_loss: float = math.nan
    weights: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def update(self, model: nn.Module, score: float, loss: float, step: int) -> None:
        """Copy the weights of `model` if `score` is better than the best so far."""
        self.validations_since += 1
        self.last_score, self.last_loss = score, loss
        if self.better(score, self.score):
            self.score, self.loss, self.step, self.validations_since = score, loss, step, 0
            self.weights = {name: t.detach().clone() for name, t in model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Numbers and tensors from which `load_state_dict` resumes."""
        return {
            "score": self.score,
            "loss": self.loss,
            "step": self.step,
            "waits": self.validations_since,
            "state": dict(self.weights),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from what `state_dict` returned."""
        self.score, self.loss, self.step = state["score"], state["loss"], state["step"]
        self.validations_since, self.weights = state["waits"], state["state"]
