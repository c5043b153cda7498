"""Mean and standard deviation of the training targets, so that a network learns standardised
numbers and predicts in the unit of the targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Sample
from comp.contract.task import Loss

if TYPE_CHECKING:
    import numpy as np
    import torch

Transform = Callable[[Any], Any]
"""A function of numbers that works on arrays and tensors, such as the logarithm."""


def target_array(samples: Sequence[Sample]) -> np.ndarray:
    """The targets of samples, which are numbers or several numbers, float64 (N, K)."""
    import numpy as np

    return np.array([np.asarray(s.target, dtype=np.float64).ravel() for s in samples])


def target_scale(targets: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of targets (N, K), both float32 (K,); 1 for constant targets."""
    import numpy as np
    import torch

    constant = targets.min(axis=0) == targets.max(axis=0)
    std = np.where(constant, 1.0, targets.std(axis=0))
    return torch.tensor(targets.mean(axis=0)).float(), torch.tensor(std).float()


def set_target_scale(model: torch.nn.Module, targets: np.ndarray) -> None:
    """Set the buffers `target_mean` and `target_std` of a network with scaled outputs; another
    network does not change."""
    mean, std = target_scale(targets)
    network: Any = model
    if getattr(network, "scaled", False) and network.target_mean.shape == mean.shape:
        network.target_mean.copy_(mean)
        network.target_std.copy_(std)


def scaled_loss(loss: Loss, targets: np.ndarray) -> Loss:
    """A loss between values in the unit of the training targets (N, K), divided by their standard
    deviation: outputs and targets (N, K)."""
    return partial(_scaled_loss, loss, target_scale(targets)[1])


def _scaled_loss(
    loss: Loss, std: torch.Tensor, raw: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    from comp.training.value_losses import check_equal_shapes

    check_equal_shapes(raw, target)
    check_equal_shapes(raw[:1], std.expand(len(raw[:1]), -1))
    # The error is divided, not each of them: float32 would lose it when the mean is large.
    errors = (raw.float() - target.float()) / std.to(
        raw.device, non_blocking=raw.device.type == "cuda"
    )
    return loss(errors, errors.new_zeros(errors.shape))
