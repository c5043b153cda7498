"""The CPU cores of this process, without the import of a heavy library."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CORES = "COMP_CORES"
"""Variable of the environment: the number of cores of a process that shares them with others."""
CGROUPS = Path("/sys/fs/cgroup")
PROCESS = Path("/proc/self/cgroup")
"""The control groups of this process, one a line: `number:controllers:path`."""


def cores() -> int:
    """The number of CPU cores that this process may use: by its affinity, by the CPU quota of its
    container, rounded up, and by its share in `CORES`."""
    quota, share = cpu_quota(), os.environ.get(CORES, "")
    limits = [max(1, math.ceil(quota))] if quota else []
    limits += [int(share)] if share.isdecimal() and int(share) else []
    return min([cores_of_affinity(), *limits])


def cores_of_affinity() -> int:
    """The number of CPU cores on which this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_quota() -> float | None:
    """The CPU time that the control groups of this process allow, in cores; None without a limit.

    The limit of a group also counts for the groups in it, so it is the smallest one on the way to
    the root. Inside a container the path in `PROCESS` may be that of the host: then only the root
    exists. See docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max) and
    docs.kernel.org/scheduler/sched-bwc.html (version 1).
    """
    quotas = [quota for folder in _groups() if (quota := _quota(folder))]
    return min(quotas, default=None)


def _groups() -> Iterator[Path]:
    """The folders of the control groups that limit the CPU time of this process, of version 2 and
    of version 1."""
    try:
        lines = PROCESS.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    paths = {"": "/", "cpu": "/"}
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        for name in {"", "cpu"} & set(controllers.split(",")):
            paths[name] = path
    for mount in ("", "unified", "cpu", "cpu,cpuacct"):
        own = PurePosixPath(paths["cpu" if mount.startswith("cpu") else ""])
        for group in (own, *own.parents):
            yield CGROUPS / mount / group.as_posix().strip("/")


def _quota(group: Path) -> float | None:
    """The limit of one group, in cores."""
    try:
        if (group / "cpu.max").is_file():
            quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        else:
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            quota, period = ((group / name).read_text(encoding="ascii").strip() for name in names)
        cores = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
    return cores if cores > 0 else None
