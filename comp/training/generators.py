"""The random generators of torch, numpy and Python: read and set their states."""

from __future__ import annotations

import random
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np
import torch


def generator_states(device: torch.device) -> dict[str, Any]:
    """The states of the random generators, as tensors, numbers and lists. Of the GPUs it is that of
    `device` alone."""
    numpy_state: Any = np.random.get_state(legacy=True)
    name, keys, position, has_gauss, gauss = numpy_state
    version, internal, next_gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state(device)] if device.type == "cuda" else [],
        "numpy": [name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss],
        "python": [version, list(internal), next_gauss],
    }


def set_generator_states(states: Mapping[str, Any], device: torch.device) -> None:
    """Set the random generators to what `generator_states` returned. Earlier versions returned the
    states of all GPUs: the one with the number of `device` counts."""
    torch.set_rng_state(states["torch"])
    of_gpus = states["cuda"]
    if of_gpus and device.type == "cuda":
        number = device.index if device.index is not None else torch.cuda.current_device()
        if len(of_gpus) == 1 or number < len(of_gpus):
            torch.cuda.set_rng_state(of_gpus[0 if len(of_gpus) == 1 else number], device)
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    version, internal, next_gauss = states["python"]
    random.setstate((version, tuple(internal), next_gauss))


def vary_torch(rank: int, device: torch.device) -> None:
    """Replace the generators of torch by others that follow from them and from `rank`, so that the
    ranks of a training do not drop out the same units.

    The generator of a GPU keeps its place in its sequence: after a resume from the state of rank 0,
    each rank continues its own sequence.
    """
    generator = torch.default_generator
    generator.manual_seed(_seed(generator.get_state().numpy().tobytes(), rank))
    if device.type == "cuda":
        number = device.index if device.index is not None else torch.cuda.current_device()
        of_gpu = torch.cuda.default_generators[number]
        place = of_gpu.get_offset()
        of_gpu.manual_seed(_seed((of_gpu.initial_seed() % 2**64).to_bytes(8, "little"), rank))
        of_gpu.set_offset(place)


def _seed(state: bytes, rank: int) -> int:
    """A seed of 63 bits."""
    return int.from_bytes(sha256(state + rank.to_bytes(4, "little")).digest()[:8], "little") >> 1
