"""The engine on which the folds of a run train, and the threads of torch in its processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from comp.config.placement import Placement
from comp.config.schema import RunConfig
from comp.data.cores import cores
from comp.engines.choose import Machine, choose_engine, job_count
from comp.engines.engine import Engine
from comp.engines.ray_session import starts_here
from comp.pipeline.cluster_device import find_elsewhere, of_nodes
from comp.pipeline.rank_checks import placement_of_ranks
from comp.training.device import choose_device
from comp.training.elsewhere import elsewhere, run_device, trains_elsewhere
from comp.training.ranks import current_ranks

JOBS = "jobs"
"""The key of run.json with the number of folds that trained at the same time; absent for one."""

TASKS = "comp.pipeline.fold_task"
"""The module of what the engine runs; it takes seconds to import."""


@contextmanager
def run_engine(
    config: RunConfig, placement: Placement | None, folds: int, resumes: bool = False
) -> Iterator[Engine | None]:
    """The engine for the folds of a run; None: they train in this process, one after another.

    Inside the block this process has as many threads of torch as each process of the engine, so
    that it prepares and measures with their numbers, and records them; `elsewhere` is the device of
    a cluster.

    Args:
        folds: how many train.
        resumes: torch has the threads of the run that resumes, which stay.

    Raises:
        DeviceError: several folds cannot share the device.
        CompError: there is no such cluster.
    """
    placement = placement_of_ranks(placement or Placement(), current_ranks())
    machine = machine_of(config, placement.on)
    tasks = folds * config.seeds
    before = torch.get_num_threads()
    threads = before if resumes else _share_of_threads(placement, machine, tasks) or before
    if machine.device == "cpu" and (resumes or not placement.on):
        machine = replace(machine, threads=threads)
    engine = choose_engine(placement, machine, tasks, TASKS)
    if engine is None:
        yield None
        return
    with engine:
        threads = getattr(engine, "threads", threads)  # a cluster has other machines
        try:
            if machine.device == "cpu":
                torch.set_num_threads(threads)
            with trains_elsewhere(find_elsewhere(engine, config)):
                yield engine
        finally:
            torch.set_num_threads(before)


def machine_of(config: RunConfig, on: str = "") -> Machine:
    """The device of a configuration, and the GPUs that its tasks may use: a GPU with a number is
    the only one.

    Args:
        on: a cluster, whose nodes may have GPUs that this machine lacks; "" for none.

    Raises:
        DeviceError: this machine, on which the tasks run, does not have the device.
    """
    if of_nodes(config, on):
        return Machine(device="cuda")
    device = choose_device(config.device)
    auto = config.device == "auto" and bool(on) and not starts_here(on)
    if device.type != "cuda":
        return Machine(device=device.type, auto=auto)
    visible, count = os.environ.get("CUDA_VISIBLE_DEVICES"), torch.cuda.device_count()
    names = visible.split(",")[:count] if visible else [str(number) for number in range(count)]
    return Machine(device="cuda", gpus=names if device.index is None else [names[device.index]])


def task_config(config: RunConfig) -> RunConfig:
    """The configuration in a process of an engine, which sees its own GPUs only, from number 0. On
    a node of a cluster it names what run.json records."""
    there = elsewhere()
    if there:
        return config.model_copy(update={"device": there.kind, "precision": there.precision})
    kind, _, index = config.device.partition(":")
    return config.model_copy(update={"device": kind}) if index else config


def task_threads(config: RunConfig) -> int | None:
    """The threads of torch of each task on the CPU: those of this process, inside `run_engine`.
    None on a GPU, whose results do not depend on them."""
    return torch.get_num_threads() if run_device(config)[0].type == "cpu" else None


def _share_of_threads(placement: Placement, machine: Machine, tasks: int) -> int | None:
    """The threads of a new run; None leaves their number to the user's OMP_NUM_THREADS."""
    if os.environ.get("OMP_NUM_THREADS"):
        return None
    jobs = min(placement.jobs or 1, tasks) if placement.on else job_count(placement, machine, tasks)
    return max(1, cores() // jobs)
