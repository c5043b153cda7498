"""Checks of the machine: GPU, cores, workers, memory that they share, limits."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

from comp.doctor.check import Check
from comp.doctor.probe import ProbeFacts

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
LITTLE_SHM, SHM = 100_000_000, 1_000_000_000
"""Bytes of shared memory with which workers die of common batches, and with which they do not."""
FEW_FILES, FILES = 256, 1024
"""Open files that are too few for workers and caches, and enough."""
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def gpu(facts: ProbeFacts) -> Check:
    """Which GPU torch can use; a GPU that is there and that it cannot use is a problem."""
    found, seen = facts["gpu"], _drivers()
    if "error" in found:
        words = f"torch cannot be asked ({found['error']})"
        return Check("GPU", "problem", words, "mend torch first")
    if found["devices"]:
        names = ", ".join(f"{d['name']} ({d['bytes'] / 1e9:.0f} GB)" for d in found["devices"])
        driver = f", driver {seen[0][1]}" if seen else ""
        if fault := found.get("fault"):
            remedy = "install a torch for this GPU: https://pytorch.org/get-started/locally/"
            return Check("GPU", "problem", f"{names}{driver} does not compute ({fault})", remedy)
        return Check("GPU", "ok", names + driver)
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if seen and chosen is not None:
        words = f"{seen[0][0]} is hidden by CUDA_VISIBLE_DEVICES={chosen}"
        return Check("GPU", "note", words, "unset it to train on the GPU")
    if seen:
        return _unused(seen[0], facts)
    if found["mps"]:
        return Check("GPU", "ok", "Apple's, by MPS")
    return Check(
        "GPU", "note", "none that torch can use: runs on the CPU", "a --budget keeps a run short"
    )


def _drivers() -> list[tuple[str, str]]:
    """(name, driver) of the NVIDIA GPUs that the driver knows."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = [line.rpartition(",") for line in done.stdout.splitlines() if not done.returncode]
    return [(name.strip(), driver.strip()) for name, _, driver in lines if name]


def _unused(seen: tuple[str, str], facts: ProbeFacts) -> Check:
    """A GPU that torch leaves alone."""
    name, driver = seen
    if not facts["torch"].get("cuda"):
        return Check(
            "GPU",
            "problem",
            f"{name} is there, and torch is built for the CPU",
            "pip install --force-reinstall torch torchvision, from an index for CUDA: "
            "https://pytorch.org/get-started/locally/",
        )
    reason = facts["gpu"].get("said") or "it does not say why"
    return Check(
        "GPU",
        "problem",
        f"torch, built for CUDA {facts['torch']['cuda']}, cannot use {name}, driver {driver} "
        f"({reason})",
        "update the driver, or install a torch for an older CUDA",
    )


def precision(facts: ProbeFacts) -> Check:
    """Which precisions the device computes in."""
    found = facts["gpu"]
    if "error" in found:
        return Check("precision", "problem", "torch cannot be asked", "mend torch first")
    if not found["devices"]:
        return Check("precision", "ok", "fp32; bf16 where it is asked for")
    if not found["bf16"]:
        return Check("precision", "ok", "fp16 with gradient scaling, fp32; this GPU has no bf16")
    return Check("precision", "ok", "bf16, fp16, fp32; auto takes bf16")


def cores() -> Check:
    """How many cores this process may use, and whether it may use them wholly."""
    count, quota = _cores(), _quota()
    of = f"{count} of {os.cpu_count()}"
    if quota and quota < count - 0.5:
        return Check(
            "cores",
            "note",
            f"{of}, and of these the time of {quota:g}",
            f"set OMP_NUM_THREADS={max(1, int(quota))}, more threads get in each other's way",
        )
    return Check("cores", "ok", of)


def _cores() -> int:
    known = getattr(os, "sched_getaffinity", None)
    return len(known(0)) if known else os.cpu_count() or 1


def _quota() -> float | None:
    """The cores whose time a container may use, None where it is not limited."""
    try:
        most, period = QUOTA.read_text(encoding="ascii").split()
        return int(most) / int(period)
    except (OSError, ValueError):
        return None


def threads() -> Check:
    """Whether variables limit the threads to something that makes no sense here."""
    given = {name: os.environ[name] for name in THREADS if os.environ.get(name)}
    words = ", ".join(f"{name}={value}" for name, value in given.items())
    if not given:
        return Check("threads", "ok", "no variable limits them")
    count = _cores()
    wrong = [name for name, value in given.items() if not value.isdecimal() or int(value) < 1]
    many = [name for name, value in given.items() if value.isdecimal() and int(value) > count]
    if wrong or many:
        why = "are no numbers" if wrong else f"are more than the {count} cores"
        return Check("threads", "note", f"{words}: some {why}", f"unset {' '.join(wrong or many)}")
    if any(int(value) < count for value in given.values()):
        few = f"{words}, of {count} cores"
        return Check("threads", "note", few, f"unset {' '.join(given)} to train faster on the CPU")
    return Check("threads", "ok", words)


def workers() -> Check:
    """How DataLoader workers are started, and whether they can be."""
    method = multiprocessing.get_start_method()
    try:
        multiprocessing.get_context(method).Lock()
    except (OSError, ImportError) as error:
        return Check(
            "workers",
            "problem",
            f"{method}, and no semaphore can be made ({error})",
            "mount /dev/shm so that it can be written, or --set loader.workers=0",
        )
    return Check("workers", "ok", f"started by {method}")


def shared_memory(place: Path = Path("/dev/shm")) -> Check:
    """How much memory workers can hand batches over in."""
    if not place.is_dir():
        return Check("shared memory", "ok", "no limit of its own on this system")
    free = shutil.disk_usage(place).free
    words = f"{free / 1e9:,.2f} GB free in {place}"
    remedy = "in a container: docker run --shm-size=2g; or --set loader.workers=0"
    if free < LITTLE_SHM:
        return Check("shared memory", "problem", f"{words}, workers die of that", remedy)
    if free < SHM:
        return Check("shared memory", "note", f"{words}, little for workers", remedy)
    return Check("shared memory", "ok", words)


def open_files() -> Check:
    """How many files a process may hold open."""
    if sys.platform == "win32":
        return Check("open files", "ok", "no such limit on this system")
    import resource

    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return Check("open files", "ok", "no limit")
    if most >= FILES:
        return Check("open files", "ok", f"{most:,} at most")
    endless = hard == resource.RLIM_INFINITY
    remedy = f"ulimit -n {4096 if endless else min(4096, hard)}"
    if not endless and hard < FILES:
        remedy = f"raise the hard limit, which is {hard:,}, then ulimit -n 4096"
    words = f"{most:,} at most, workers need more"
    return Check("open files", "problem" if most < FEW_FILES else "note", words, remedy)
