"""The loss of a batch whose samples have weights."""

from __future__ import annotations

import torch
from torch import Tensor

from comp.contract.task import Loss
from comp.errors import ConfigError
from comp.training.out_of_memory import is_out_of_memory

TOLERANCE = 1e-3
"""Relative difference between the loss of a batch and the mean of the losses of its samples that
rounding explains."""
ADVICE = "use another loss, or leave out the weights of the samples"


def weighted_loss(loss: Loss, raw: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """The mean over the samples of a batch of weight times loss, a scalar.

    The loss of a sample is that of a batch that contains it alone. The weights have the mean 1 over
    the training samples of the fold, not over the batch: a division by the sum of the batch would
    cancel the weights in batches of one sample, and weaken them in small ones.

    Args:
        raw: raw outputs (N, ...).
        target: (N, ...), as the loss takes it.
        weights: float32 (N,).

    Raises:
        ConfigError: the loss is not the mean of the losses of the samples, such as a cross-entropy
            that divides by the sum of the class weights of the batch.
    """
    with torch.no_grad():
        whole = loss(raw, target)
    try:
        # The gradient of a split is written once; that of a slice has the size of the batch.
        pairs = zip(raw.split(1), target.split(1), strict=True)
        losses = torch.stack([loss(*pair) for pair in pairs])
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:120]
        raise ConfigError(
            f"samples have weights, but the loss does not take a batch of one sample ({reason}): "
            f"{ADVICE}"
        ) from None
    both = torch.stack([whole.reshape(()), losses.detach().mean().to(whole)])
    of_batch, mean = both.tolist()  # the device is waited for once
    if losses.ndim != 1 or abs(of_batch - mean) > TOLERANCE * max(abs(of_batch), abs(mean), 1e-3):
        raise ConfigError(
            "samples have weights, but the loss is not the mean of the losses of its samples: it "
            f"is {of_batch:.6g} for a batch, and {mean:.6g} is the mean of its samples; {ADVICE}"
        )
    return (losses * weights.to(losses)).mean()
