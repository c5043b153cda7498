"""Chooses the engine that a placement asks for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from comp.config.placement import Placement
from comp.data.cores import CORES, cores
from comp.engines.engine import Engine
from comp.errors import DeviceError


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What tasks can use here.

    `device` is "cpu", "cuda" or "mps"; with `auto`, tasks on a cluster that has GPUs use those.
    `gpus` are the names of the GPUs as CUDA_VISIBLE_DEVICES lists them. `threads` is the number of
    threads of torch in each task; None is its share of the cores, unless OMP_NUM_THREADS is set.
    """

    device: str
    gpus: Sequence[str] = ()
    threads: int | None = None
    auto: bool = False


def choose_engine(
    placement: Placement, machine: Machine, tasks: int, module: str = ""
) -> Engine | None:
    """The engine for `tasks` tasks; None: they run in this process, one after another.

    Args:
        module: what the tasks need; processes of this machine import it as soon as they start.

    Raises:
        DeviceError: several tasks cannot share the device.
        CompError: there is no such cluster.
    """
    if placement.on:
        from comp.engines.ray_cluster import make_ray_engine

        return make_ray_engine(placement, machine, tasks)
    jobs = job_count(placement, machine, tasks)
    if jobs == 1:
        return None
    from comp.engines.processes import ProcessEngine

    environments = [_environment(placement, machine, jobs, slot) for slot in range(jobs)]
    return ProcessEngine(environments, module)


def job_count(placement: Placement, machine: Machine, tasks: int) -> int:
    """How many of `tasks` tasks run at the same time on this machine, at least 1.

    Raises:
        DeviceError: several tasks cannot share the device.
    """
    if machine.device == "mps" and (placement.jobs or 1) > 1:
        raise DeviceError(
            f"jobs = {placement.jobs} on mps: the GPU of a Mac is for one process; leave out "
            "--jobs, or use device=cpu"
        )
    jobs = placement.jobs or max(1, len(machine.gpus) // placement.gpus)
    return max(1, min(jobs, tasks))


def slot_threads(machine: Machine, jobs: int) -> int | None:
    """The number of threads of torch in each of `jobs` tasks; None if the user has set it."""
    if machine.threads is not None:
        return machine.threads
    return None if os.environ.get("OMP_NUM_THREADS") else max(1, cores() // jobs)


def _environment(placement: Placement, machine: Machine, jobs: int, slot: int) -> dict[str, str]:
    """The variables of a slot: its GPUs, and its share of the cores."""
    values = {CORES: str(max(1, cores() // jobs))}
    threads = slot_threads(machine, jobs)
    if threads is not None:
        values["OMP_NUM_THREADS"] = str(threads)
    if machine.gpus:
        first, count = slot * placement.gpus, len(machine.gpus)
        numbers = [(first + number) % count for number in range(placement.gpus)]
        values["CUDA_VISIBLE_DEVICES"] = ",".join(machine.gpus[number] for number in numbers)
    return values
