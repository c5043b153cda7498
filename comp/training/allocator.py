"""How the C library keeps memory that is freed."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt, from malloc.h of glibc."""
TRIM_BYTES = 2**31 - 1
MMAP_BYTES = (2**30, 2**25)
"""The second for an older glibc, which takes at most 32 MiB."""


def keep_freed_memory() -> bool:
    """Let this process keep freed memory for its next tensors, if the C library is glibc.

    Otherwise glibc gives large tensors back to the system when they are freed, and the system
    clears the same pages again in each training step. Results are the same. The memory of the
    process stays at its peak, up to 2 GiB above what it uses.

    Returns:
        Whether the C library accepted it.
    """
    if not sys.platform.startswith("linux"):
        return False
    with suppress(AttributeError, OSError):  # another C library, such as musl
        mallopt = ctypes.CDLL(None).mallopt
        mapped = any(mallopt(M_MMAP_THRESHOLD, size) for size in MMAP_BYTES)
        return bool(mapped and mallopt(M_TRIM_THRESHOLD, TRIM_BYTES))
    return False
