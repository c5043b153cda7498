"""How much memory this process has used, and how much it may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch

CGROUP = Path("/sys/fs/cgroup/memory.max")
"""The memory limit of a container, in bytes, or "max"."""


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


def memory_limit() -> int:
    """The memory of this machine, or of its container, in bytes; 0 if the system does not say."""
    try:
        limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
    with suppress(OSError, ValueError):
        limit = min(limit, int(CGROUP.read_text()))
    return max(0, limit)
