"""One training batch: its loss, its gradients and, at the end of a step, the optimizer step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from comp.config.schema import RunConfig
from comp.contract.task import Loss
from comp.data.dataset import DRAWS, LOSS_WEIGHT, NO_INPUTS, memory_format, to_unit
from comp.training.mixing import Mixer
from comp.training.optim import l1_penalty
from comp.training.ranks import ALONE, Ranks
from comp.training.weighted_loss import weighted_loss

if TYPE_CHECKING:
    from accelerate import Accelerator

    from comp.data.dataset import Batch


def train_batch(
    network: nn.Module,
    optimizer: Any,
    batch: Batch,
    *,
    config: RunConfig,
    loss: Loss,
    mixer: Mixer,
    accelerator: Accelerator,
    whole: Ranks = ALONE,
) -> torch.Tensor:
    """Add the gradients of a batch and return its loss, a scalar on the device.

    The last of `optim.accumulate` batches also makes the optimizer step, with the gradient clipped
    to `optim.clip_norm`.

    Args:
        whole: as in `batch_loss`.
    """
    with accelerator.accumulate(network):
        value = batch_loss(network, batch, config, loss, mixer, whole)
        accelerator.backward(value)
        if config.optim.clip_norm and accelerator.sync_gradients:
            accelerator.clip_grad_norm_(network.parameters(), config.optim.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
    return value.detach()


def batch_loss(
    network: nn.Module,
    batch: Batch,
    config: RunConfig,
    loss: Loss,
    mixer: Mixer,
    whole: Ranks = ALONE,
) -> torch.Tensor:
    """The loss of a batch, a scalar: of what `mixer` makes of images and targets, plus the L1
    penalty if `optim.l1` is above 0. The network also gets the other entries of the batch, except
    the weights of the samples. A batch of rows has no images, and nothing mixes it.

    Args:
        whole: the ranks whose parts make the batch of the loss; `ALONE` takes this part alone.
    """
    weights = batch.get(LOSS_WEIGHT)
    names = [name for name in batch if name not in NO_INPUTS]
    first = "image" if "image" in names else names[0]
    draws = {"draws": batch[DRAWS]} if DRAWS in batch else {}
    image, target = to_unit(batch[first]), to_unit(batch["target"])
    image, target, weights = mixer(image, target, weights, **draws)
    if image.ndim == 4:
        image = image.contiguous(memory_format=memory_format(config))
    raw = network(*(image if name == first else batch[name] for name in names))
    raw, target = whole.whole(raw), whole.whole(target)
    weights = None if weights is None else whole.whole(weights)
    value = loss(raw, target) if weights is None else weighted_loss(loss, raw, target, weights)
    l1 = config.optim.l1
    return value + l1 * l1_penalty(network) if l1 else value
