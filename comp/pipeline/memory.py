"""How much memory this process has used."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import torch


def peak_memory(device: str) -> Mapping[str, int]:
    """The most memory that this process has used so far, in bytes: "memory" of the machine, if the
    system tells it, and "GPU memory".

    Args:
        device: a description that starts with cpu, cuda or mps.
    """
    peak = {"memory": _resident()} if sys.platform != "win32" else {}
    if device.startswith("cuda"):
        peak["GPU memory"] = torch.cuda.max_memory_reserved()
    return peak


def _resident() -> int:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
