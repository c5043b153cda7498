"""The CPU cores of this process, without the import of a heavy library."""

from __future__ import annotations

import os


def cores() -> int:
    """The number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
