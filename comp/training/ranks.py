"""The processes that train a fold together, and what they tell each other.

Rank 0 is the run: it prepares, validates, predicts and writes. The other ranks compute their part
of every batch. Tensors of the training go through the default process group, NCCL on GPUs and gloo
on the CPU; what the ranks agree on goes through a second group, gloo, whose timeout is long,
because the other ranks wait while rank 0 validates. Words go through the store of the process
group.

A process group belongs to the process, and so does the state of this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from comp.config.launched import LOCAL_RANK, LOCAL_SIZE, RANK, SIZE
from comp.signals import signal_number
from comp.training.generators import generator_states, set_generator_states, vary_torch


class LeaderFailedError(Exception):
    """Rank 0 gave up a training in which this rank takes part."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """This process among `size` processes that train together; `Ranks()` is one that trains alone.

    `rank` is 0..size-1. `local_rank` of `local_size` are on the same machine. `control` is the
    process group of agreements, `store` that of words, and `signals` returns the last signal that
    came, or 0.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    control: Any = None
    store: Any = None
    signals: Callable[[], int] = signal_number

    @property
    def leads(self) -> bool:
        """Whether this is rank 0, which writes."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether no other process takes part."""
        return self.size == 1

    def variables(self) -> dict[str, str]:
        """The variables from which accelerate reads the ranks."""
        if self.alone:
            return {}
        names, numbers = (SIZE, RANK, LOCAL_SIZE, LOCAL_RANK), [self.size, self.rank]
        numbers += [self.local_size, self.local_rank]
        return {name: str(number) for name, number in zip(names, numbers, strict=True)}

    def highest(self, *values: int) -> tuple[int, ...]:
        """The highest of each value over the ranks, for agreements: all ranks get the same."""
        if self.alone:
            return values
        numbers = torch.tensor(values, dtype=torch.int64)
        dist.all_reduce(numbers, dist.ReduceOp.MAX, group=self.control)
        return tuple(numbers.tolist())

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a scalar over the ranks, on its device, without a gradient."""
        if self.alone:
            return value.detach()
        total = value.detach().float().clone()
        dist.all_reduce(total)
        return total / self.size

    def whole(self, part: Tensor) -> Tensor:
        """The whole batch (N, ...), of which each rank has an equal part (N / size, ...).

        The gradient of the part is that of the mean over the ranks which DDP takes: `size` times
        that of the whole.
        """
        whole: Tensor = part if self.alone else _Whole.apply(part, self.rank, self.size)
        return whole

    def of_leader(self, call: Callable[[], float]) -> float:
        """What `call` returns in rank 0; it is called there only, and the other ranks wait.

        Raises:
            LeaderFailedError: in the other ranks, if `call` raised in rank 0.
        """
        if self.alone:
            return call()
        answer = torch.tensor([0.0, 1.0], dtype=torch.float64)  # the value, and whether it failed
        if self.leads:
            try:
                answer = torch.tensor([call(), 0.0], dtype=torch.float64)
            finally:
                dist.broadcast(answer, 0, group=self.control)
        else:
            dist.broadcast(answer, 0, group=self.control)
        if answer[1]:
            raise LeaderFailedError
        return float(answer[0])

    def share_generators(self, device: torch.device, first: bool) -> None:
        """Give numpy and Python of all ranks the generators of rank 0, so that they mix images
        alike.

        Args:
            first: whether the training starts: torch, which drops out units, then gets a generator
                that follows from that of rank 0 and differs from rank to rank.
        """
        if self.alone:
            return
        states = [generator_states(device) if self.leads else None]
        dist.broadcast_object_list(states, 0, group=self.control)
        if self.leads:
            return
        assert states[0]
        torch_state = torch.get_rng_state()
        set_generator_states(states[0] if first else {**states[0], "cuda": []}, device)
        if first:
            vary_torch(self.rank, device)
        else:
            torch.set_rng_state(torch_state)


class _Whole(torch.autograd.Function):
    """Gathers the parts of a batch. The gradient of the own part is multiplied by the ranks."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, rank: int, size: int) -> Tensor:
        ctx.rank, ctx.size, ctx.count = rank, size, len(part)
        part = part.contiguous()
        parts = [torch.empty_like(part) for _ in range(size)]
        dist.all_gather(parts, part)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        start = ctx.rank * ctx.count
        return gradients[0][start : start + ctx.count] * ctx.size, None, None


ALONE = Ranks()


class _State:
    """The ranks of this process."""

    ranks: Ranks = ALONE


def current_ranks() -> Ranks:
    """The ranks with which this process trains."""
    return _State.ranks


def set_ranks(ranks: Ranks) -> None:
    """Train with these ranks from now on."""
    _State.ranks = ranks
