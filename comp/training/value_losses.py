"""Losses between values of equal shape: numbers (N, K), images (N, C, H, W)."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from comp.config.sections import LossConfig
from comp.contract.task import Loss

VALUE_LOSSES = ("mse", "mae", "huber", "smooth_l1", "charbonnier")


def value_loss(name: str, settings: LossConfig) -> Loss:
    """The loss `name`, one of `VALUE_LOSSES`: the mean over all values, float32.

    e is the error and delta is `loss.delta`:

    - mse: e^2; mae: |e|
    - huber: e^2 / 2 for |e| below delta, else delta (|e| - delta / 2) (Huber 1964)
    - smooth_l1: huber / delta (Girshick, Fast R-CNN, 2015, with delta = 1)
    - charbonnier: sqrt(e^2 + delta^2), so delta if there is no error (Charbonnier et al., Two
      deterministic half-quadratic regularization algorithms, ICIP 1994)

    The loss raises ValueError if the shapes of raw outputs and targets differ.
    """
    losses: dict[str, Loss] = {
        "mse": F.mse_loss,
        "mae": F.l1_loss,
        "huber": partial(F.huber_loss, delta=settings.delta),
        "smooth_l1": partial(F.smooth_l1_loss, beta=settings.delta),
        "charbonnier": partial(_charbonnier, delta=settings.delta),
    }
    return partial(_checked, losses[name])


def check_equal_shapes(raw: Tensor, target: Tensor) -> None:
    """Refuse shapes that differ: torch would broadcast (N, 1) and (N,) to (N, N).

    Raises:
        ValueError: the shapes differ.
    """
    if raw.shape != target.shape:
        raise ValueError(
            f"the raw outputs have the shape {tuple(raw.shape)}, but the targets have the shape "
            f"{tuple(target.shape)}: make them equal"
        )


def _checked(loss: Loss, raw: Tensor, target: Tensor) -> Tensor:
    check_equal_shapes(raw, target)
    return loss(raw.float(), target.float())


def _charbonnier(raw: Tensor, target: Tensor, delta: float) -> Tensor:
    return torch.sqrt((raw - target).square() + delta**2).mean()
