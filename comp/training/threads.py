"""The threads of torch in a container with a CPU quota."""

from __future__ import annotations

import functools
import os

import torch

from comp.data.cores import cores, cpu_quota

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables with which a user, or an engine, chooses the number of threads."""


@functools.cache
def follow_cpu_quota() -> None:
    """Let torch use no more threads than the CPU quota of the container has cores.

    torch counts the cores of the affinity. With more threads than the quota allows, all of them
    stand still for a part of each period. Without a quota, or if a user has chosen the threads,
    nothing changes. This happens once in a process: a run that resumes sets its recorded number
    afterwards.
    """
    if any(os.environ.get(name) for name in VARIABLES):
        return
    if cpu_quota() and cores() < torch.get_num_threads():
        torch.set_num_threads(cores())
