"""Whether the batches of a loader's workers fit into the shared memory of the machine.

Workers return their batches in files of /dev/shm, which is small in a container. A worker that
finds no room there ends with a bus error.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from comp.errors import DeviceError
from comp.training.generators import generator_states, set_generator_states

FOLDER = Path("/dev/shm")
"""Where torch puts the tensors of workers on Linux."""
ENOUGH = 1 << 28
"""Free bytes with which nothing is measured."""
PREFETCHED = 2
"""Batches that each worker of a `DataLoader` prepares in advance."""


def check_shared_memory(
    dataset: Any, batches: Iterable[Any], workers: int, device: torch.device
) -> None:
    """Check that the batches of all workers fit, if there is little shared memory.

    The size is that of the first sample of the first batch. The random generators stay as they are.

    Raises:
        DeviceError: they do not fit.
    """
    if not workers:
        return
    ignore_workers_at_exit()
    if not FOLDER.is_dir():
        return
    free = shutil.disk_usage(FOLDER).free
    if free >= ENOUGH:
        return
    drawn: Any = next(iter(batches), [])
    if not drawn:
        return
    states = generator_states(device)
    needed = _bytes(dataset, drawn[0]) * len(drawn) * workers * PREFETCHED
    set_generator_states(states, device)
    if needed > free:
        raise DeviceError(
            f"{workers} workers of the loader need about {needed / 1e6:.2g} MB of shared memory, "
            f"and {FOLDER} has {free / 1e6:.2g} MB free: set loader.workers=0, or make it larger "
            "(in a container 'docker run --shm-size=2g')"
        )


@functools.cache
def ignore_workers_at_exit() -> None:
    """Let this process end without a traceback if a worker dies while it is joined at the end.

    torch raises an error in the handler of SIGCHLD if a worker ends by a signal. After a training
    that failed, the last worker ends by its own alarm, when nothing catches that error any more.
    """
    if hasattr(signal, "SIGCHLD"):
        atexit.register(signal.signal, signal.SIGCHLD, signal.SIG_DFL)


def _bytes(dataset: Any, draw: Any) -> int:
    """The bytes of a sample."""
    many = getattr(dataset, "__getitems__", None)
    item = many([draw]) if many else dataset[draw]
    return sum(np.asarray(value).nbytes for value in item.values())
