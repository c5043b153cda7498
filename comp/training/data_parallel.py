"""A network that several ranks train together: each computes the gradients of its part of a batch,
and DDP takes their mean (Li et al., PyTorch Distributed, VLDB 2020, arXiv 2006.15704)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from timm.layers import convert_sync_batchnorm
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from comp.config.schema import RunConfig
from comp.training.batch import batch_loss
from comp.training.device import LESS_MEMORY, OutOfMemoryError, explain_out_of_memory
from comp.training.generators import generator_states, set_generator_states
from comp.training.ranks import Ranks
from comp.training.spec import FitSpec

if TYPE_CHECKING:
    from accelerate import Accelerator

    from comp.data.dataset import Batch

MOMENTS = 2
"""Tensors of the size of the weights that most optimizers allocate in their first step."""


class ParallelNetwork:
    """A network with DDP around it, which is made again when the set of its trained weights
    changes: DDP only knows those that train when it is made.

    Args:
        model: on its device, with its frozen stages.
        norms: the BatchNorm layers in whose place `model` has SyncBatchNorm layers, by name.
    """

    def __init__(
        self, model: nn.Module, accelerator: Accelerator, config: RunConfig, norms: dict[str, Any]
    ) -> None:
        self.model, self.config, self.norms = model, config, norms
        self.device = accelerator.device
        self.has_unused = False
        accelerator.prepare_model(model, evaluation_mode=True)  # only the precision
        self.rebuild()

    def rebuild(self) -> None:
        """Put DDP around the network again."""
        ids = [self.device.index] if self.device.type == "cuda" else None
        inner: Any = DistributedDataParallel(
            self.model, device_ids=ids, find_unused_parameters=self.has_unused
        )
        self.no_sync = inner.no_sync  # accelerate looks for it when it accumulates gradients
        self.inner = torch.compile(inner) if self.config.compile else inner

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.inner(*inputs)
        return output

    def __getattr__(self, name: str) -> Any:
        """The methods `train`, `parameters` and others are those of the network."""
        return getattr(self.model, name)

    def release(self) -> None:
        """Put the BatchNorm layers back. The other ranks no longer compute with this one."""
        restore_norms(self.model, self.norms)
        self.norms = {}


def thawed(network: Any) -> None:
    """Tell a network that other weights than before train."""
    if isinstance(network, ParallelNetwork):
        network.rebuild()


def released(network: Any) -> None:
    """Tell a network that the ranks no longer compute together."""
    if isinstance(network, ParallelNetwork):
        network.release()


def synchronized_norms(
    model: nn.Module, config: RunConfig, device: torch.device, ranks: Ranks
) -> dict[str, Any]:
    """Replace the BatchNorm layers by SyncBatchNorm, whose statistics are those of the whole batch,
    if the configuration says so and the ranks have GPUs; returns the layers by name."""
    if ranks.alone or device.type != "cuda" or config.optim.sync_batch_norm == "off":
        return {}
    return replaced_norms(model)


def replaced_norms(model: nn.Module) -> dict[str, Any]:
    """Replace the BatchNorm layers by SyncBatchNorm; returns them by name. timm's function also
    knows its own layers, which contain an activation."""
    norms = {name: m for name, m in model.named_modules() if isinstance(m, _BatchNorm) and name}
    convert_sync_batchnorm(model)
    return norms


def restore_norms(model: nn.Module, norms: dict[str, Any]) -> None:
    """Put BatchNorm layers back, with the weights and statistics of the layers in their place."""
    for name, norm in norms.items():
        trained = model.get_submodule(name)
        norm._parameters.update(trained._parameters)
        norm._buffers.update(trained._buffers)
        norm.train(trained.training)
        model.set_submodule(name, norm)


def rehearsed(
    batches: Iterable[Batch], network: Any, spec: FitSpec, device: torch.device
) -> Iterator[Batch]:
    """Yield the batches, and rehearse the first one before, if there are several ranks.

    Raises:
        OutOfMemoryError: in all ranks, if one of them does not have enough memory.
    """
    for index, batch in enumerate(batches):
        if index == 0 and isinstance(network, ParallelNetwork):
            _rehearse(network, batch, spec, device)
        yield batch


def _rehearse(network: ParallelNetwork, batch: Batch, spec: FitSpec, device: torch.device) -> None:
    """Compute the gradients of a batch without the other ranks, and forget them.

    A rank that fails in a step leaves the others waiting for its gradients. So the ranks agree
    here whether all have enough memory, also for what the optimizer will allocate, and whether a
    weight has no gradient, which DDP must know.
    """
    model, states = network.model, generator_states(device)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    failed = False
    try:
        with explain_out_of_memory():
            _backward(model, batch, spec, device)
    except OutOfMemoryError:
        failed = True
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    unused = not failed and any(weight.grad is None for weight in trained)
    model.zero_grad(set_to_none=True)
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            buffer.copy_(buffers[name])
    set_generator_states(states, device)
    failed_somewhere, unused_somewhere = spec.ranks.highest(failed, unused)
    if failed_somewhere:
        raise OutOfMemoryError(f"a GPU is out of memory: {LESS_MEMORY}")
    if unused_somewhere:
        network.has_unused = True
        network.rebuild()


def _backward(model: nn.Module, batch: Batch, spec: FitSpec, device: torch.device) -> None:
    """Compute the gradients of a copy of a batch, since mixing changes images in place."""
    reserve = []
    if device.type == "cuda":
        reserve = [torch.empty_like(w) for w in model.parameters() for _ in range(MOMENTS)]
    copy = {name: value.clone() for name, value in batch.items()}
    batch_loss(model, copy, spec.config, spec.loss, spec.mixer).backward()
    reserve.clear()
