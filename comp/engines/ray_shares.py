"""How many tasks a cluster runs at the same time, and the share of a node that each gets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comp.errors import DeviceError


@dataclass(frozen=True, kw_only=True)
class Share:
    """What each task gets. `gpus` is a part of one GPU if several tasks share it."""

    cpus: int
    gpus: float
    slots: int


def device_kind(nodes: Sequence[Mapping[str, float]], here: str, auto: bool) -> str:
    """The kind of device on which tasks train: "cuda", or `here`, that of this machine.

    Args:
        nodes: as in `task_share`.
        auto: the tasks use GPUs if a node has one that a task can get.
    """
    found = any(node.get("CPU", 0) >= 1 and node.get("GPU", 0) >= 1 for node in nodes)
    return "cuda" if auto and found else here


def task_share(
    nodes: Sequence[Mapping[str, float]], jobs: int | None, gpus: int, tasks: int
) -> Share:
    """The largest equal share of the CPUs with which `jobs` tasks run at the same time.

    Args:
        nodes: what each node has, by Ray's names "CPU" and "GPU".
        jobs: None: one for each group of `gpus` GPUs; one for each node if tasks use none.
        gpus: GPUs of each task.
        tasks: how many there are.

    Raises:
        DeviceError: no node can ever run a task.
    """
    usable = [node for node in nodes if node.get("CPU", 0) >= 1 and node.get("GPU", 0) >= gpus]
    if not usable:
        most = {
            name: max((int(n.get(name, 0)) for n in nodes), default=0) for name in ("CPU", "GPU")
        }
        instead = ", or give --device cpu" if gpus else ""
        needs = f"1 CPU and {gpus} GPUs" if gpus else "1 CPU"
        raise DeviceError(
            f"no node of the cluster can train a fold, which needs {needs}: {len(nodes)} nodes "
            f"have up to {most['CPU']} CPUs and {most['GPU']} GPUs; add nodes{instead}"
        )
    groups = sum(int(node["GPU"]) // gpus for node in usable) if gpus else len(usable)
    wanted = min(jobs or groups, tasks)
    part = float(gpus)
    if gpus == 1 and wanted > groups:
        part = 1 / math.ceil(wanted / groups)
    largest = int(max(node["CPU"] for node in usable))
    cpus = next((c for c in range(largest, 1, -1) if _slots(usable, c, part) >= wanted), 1)
    return Share(cpus=cpus, gpus=part, slots=min(wanted, _slots(usable, cpus, part)))


def _slots(nodes: Sequence[Mapping[str, float]], cpus: int, gpus: float) -> int:
    """Tasks that run at the same time with these shares."""
    counts = (
        min(node["CPU"] // cpus, (node["GPU"] + 1e-6) // gpus if gpus else math.inf)
        for node in nodes
    )
    return int(sum(counts))
