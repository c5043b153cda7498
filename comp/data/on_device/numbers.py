"""Random numbers of a batch: each image has its own, which are uniform in 0..1, without 1."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from comp.data.steps import Range

_BITS = 24
"""The bits of a float32 in 0..1."""
_GOLDEN, _MIX_1, _MIX_2 = (
    value - 2**64 for value in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
"""The constants of splitmix64 (Steele et al. 2014), as signed numbers of 64 bits."""


@functools.lru_cache(maxsize=64)
def constant(values: tuple[Any, ...], device: torch.device) -> Tensor:
    """Numbers, in tuples, as a float32 tensor, which is moved to the device once: each move would
    wait for all work there."""
    return torch.tensor(values, dtype=torch.float32, device=device)


def between(numbers: Tensor, values: Range) -> Tensor:
    """The numbers in a range instead of 0..1."""
    return numbers * (values[1] - values[0]) + values[0]


def whole(numbers: Tensor, count: int | Tensor) -> Tensor:
    """The numbers as whole ones, 0 to `count` - 1, all equally probable."""
    most = count - 1 if isinstance(count, Tensor) else torch.full_like(numbers, count - 1)
    return torch.minimum((numbers * count).floor(), most)


def planes(numbers: Tensor) -> Tensor:
    """One number for each image (N,) as (N, 1, 1, 1)."""
    return numbers[:, None, None, None]


def chosen(changed: Tensor, image: Tensor, numbers: Tensor, share: float) -> Tensor:
    """A share of the images changed, and the others as they are."""
    return changed if share >= 1 else torch.where(planes(numbers < share), changed, image)


def normal(keys: Tensor, count: int) -> Tensor:
    """Normal numbers (N, count), which follow from the keys (N, 2) of each image alone.

    A generator of torch would give an image other numbers in another batch, or on another device.
    So the numbers are hashes of the key and of their place, turned to normal ones by Box and
    Muller.
    """
    high, low = (keys * 2**_BITS).to(torch.int64).unbind(1)
    places = torch.arange(count, device=keys.device, dtype=torch.int64)
    mixed = ((high << _BITS) + low)[:, None] * _MIX_2 + (places + 1) * _GOLDEN
    mixed = (mixed ^ _shifted(mixed, 30)) * _MIX_1
    mixed = (mixed ^ _shifted(mixed, 27)) * _MIX_2
    mixed = mixed ^ _shifted(mixed, 31)
    radius = (_shifted(mixed, 64 - _BITS).float() + 0.5) / 2**_BITS
    angle = (mixed & (2**_BITS - 1)).float() / 2**_BITS
    return torch.sqrt(-2 * torch.log(radius)) * torch.cos(2 * torch.pi * angle)


def _shifted(values: Tensor, bits: int) -> Tensor:
    """The values without their lowest bits, and with zeros on the left."""
    return (values >> bits) & ((1 << (64 - bits)) - 1)
