"""Checks of the hardware and its limits: GPU, cores, workers, shared memory, open files."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

from comp.data.cores import cores as allowed_cores
from comp.data.cores import cores_of_affinity, cpu_quota
from comp.data.openmp import chosen_by_user
from comp.doctor.check import Check
from comp.doctor.probe import ProbeFacts

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
LOW_SHM, ENOUGH_SHM = 100_000_000, 1_000_000_000
"""Bytes of shared memory: workers crash below the first, and have enough above the second."""
FEW_FILES, FILES = 256, 1024
"""Open files: too few for workers and caches, and enough."""


def gpu(facts: ProbeFacts) -> Check:
    """Check which GPU torch can use; a GPU that it cannot use is a problem."""
    found, gpus = facts["gpu"], _nvidia_gpus()
    if "error" in found:
        words = f"unknown, torch does not work ({found['error']})"
        return Check("GPU", "problem", words, "fix torch first")
    if found["devices"]:
        names = ", ".join(f"{d['name']} ({d['bytes'] / 1e9:.0f} GB)" for d in found["devices"])
        driver = f", driver {gpus[0][1]}" if gpus else ""
        if fault := found.get("fault"):
            remedy = "install a torch for this GPU: https://pytorch.org/get-started/locally/"
            return Check("GPU", "problem", f"{names}{driver} cannot compute ({fault})", remedy)
        return Check("GPU", "ok", names + driver)
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if gpus and chosen is not None:
        words = f"{gpus[0][0]} is hidden by CUDA_VISIBLE_DEVICES={chosen}"
        return Check("GPU", "note", words, "unset it to train on the GPU")
    if gpus:
        return _unused(gpus[0], facts)
    if found["mps"]:
        return Check("GPU", "ok", "Apple GPU (MPS)")
    return Check(
        "GPU",
        "note",
        "torch finds no GPU, runs use the CPU",
        "limit the time of a run with --budget",
    )


def _nvidia_gpus() -> list[tuple[str, str]]:
    """(name, driver version) of the NVIDIA GPUs that nvidia-smi lists."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = [line.rpartition(",") for line in done.stdout.splitlines() if not done.returncode]
    return [(name.strip(), driver.strip()) for name, _, driver in lines if name]


def _unused(gpu: tuple[str, str], facts: ProbeFacts) -> Check:
    """The problem of a GPU that torch does not use."""
    name, driver = gpu
    if not facts["torch"].get("cuda"):
        return Check(
            "GPU",
            "problem",
            f"{name} exists, but torch is built for the CPU",
            "reinstall torch and torchvision from an index for CUDA: "
            "https://pytorch.org/get-started/locally/",
        )
    reason = facts["gpu"].get("said") or "no reason given"
    return Check(
        "GPU",
        "problem",
        f"torch, built for CUDA {facts['torch']['cuda']}, cannot use {name}, driver {driver} "
        f"({reason})",
        "update the driver, or install a torch for an older CUDA",
    )


def precision(facts: ProbeFacts) -> Check:
    """Check which precisions the device supports."""
    found = facts["gpu"]
    if "error" in found:
        return Check("precision", "problem", "unknown, torch does not work", "fix torch first")
    if not found["devices"]:
        return Check("precision", "ok", "fp32; bf16 with --precision bf16")
    if not found["bf16"]:
        return Check("precision", "ok", "fp16 with gradient scaling, fp32; no bf16 on this GPU")
    return Check("precision", "ok", "bf16, fp16, fp32; auto is bf16")


def cores() -> Check:
    """Check how many cores this process may use, and its CPU quota."""
    count, quota = cores_of_affinity(), cpu_quota()
    of = f"{count} of {os.cpu_count()}"
    if quota and quota < count:
        words = f"{of}, with a CPU quota of {quota:g}: comp uses {allowed_cores()}"
        return Check("cores", "ok", words)
    return Check("cores", "ok", of)


def threads() -> Check:
    """Check the environment variables that limit the number of threads."""
    given = {name: os.environ[name] for name in THREADS if os.environ.get(name)}
    words = ", ".join(f"{name}={value}" for name, value in given.items())
    if not given:
        waiting = ", ".join(f"{name}={value}" for name, value in chosen_by_user().items())
        own = f"they wait as {waiting} says" if waiting else "comp lets them spin briefly"
        return Check("threads", "ok", f"no environment variable limits them; {own}")
    count = allowed_cores()
    wrong = [name for name, value in given.items() if not value.isdecimal() or int(value) < 1]
    many = [name for name, value in given.items() if value.isdecimal() and int(value) > count]
    if wrong or many:
        why = "are not numbers above 0" if wrong else f"are more than the {count} cores"
        return Check("threads", "note", f"{words}: some {why}", f"unset {' '.join(wrong or many)}")
    if any(int(value) < count for value in given.values()):
        few = f"{words}, of {count} cores"
        return Check("threads", "note", few, f"unset {' '.join(given)} to train faster on the CPU")
    return Check("threads", "ok", words)


def load() -> Check:
    """Check whether other programs use the cores: torch's threads then wait for each other."""
    if not hasattr(os, "getloadavg"):
        return Check("load", "ok", "unknown on this system")
    busy, count = os.getloadavg()[0], os.cpu_count() or 1
    words = f"{busy:.1f} busy threads on {count} cores in the last minute"
    if busy < count:
        return Check("load", "ok", words)
    given = ", ".join(f"{name}={value}" for name, value in chosen_by_user().items())
    remedy = "wait until other programs end, or expect slower training"
    if given:
        remedy += f"; {given} says how threads wait, and comp would let them spin less: unset it"
    return Check("load", "note", words, remedy)


def workers() -> Check:
    """Check that DataLoader workers can start, and how."""
    method = multiprocessing.get_start_method()
    try:
        multiprocessing.get_context(method).Lock()
    except (OSError, ImportError) as error:
        return Check(
            "workers",
            "problem",
            f"{method}, but semaphores cannot be created ({error})",
            "mount /dev/shm as writable, or use --set loader.workers=0",
        )
    return Check("workers", "ok", f"started by {method}")


def shared_memory(folder: Path = Path("/dev/shm")) -> Check:
    """Check how much shared memory workers have to return batches."""
    if not folder.is_dir():
        return Check("shared memory", "ok", "no separate limit on this system")
    free = shutil.disk_usage(folder).free
    words = f"{free / 1e9:,.2f} GB free in {folder}"
    remedy = "in a container use docker run --shm-size=2g; or use --set loader.workers=0"
    if free < LOW_SHM:
        return Check("shared memory", "problem", f"{words}, too little for workers", remedy)
    if free < ENOUGH_SHM:
        return Check("shared memory", "note", f"{words}, little for workers", remedy)
    return Check("shared memory", "ok", words)


def open_files() -> Check:
    """Check how many files a process may have open."""
    if sys.platform == "win32":
        return Check("open files", "ok", "no such limit on this system")
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return Check("open files", "ok", "no limit")
    if soft >= FILES:
        return Check("open files", "ok", f"{soft:,} at most")
    unlimited = hard == resource.RLIM_INFINITY
    remedy = f"ulimit -n {4096 if unlimited else min(4096, hard)}"
    if not unlimited and hard < FILES:
        remedy = f"raise the hard limit of {hard:,}, then ulimit -n 4096"
    words = f"{soft:,} at most, workers need more"
    return Check("open files", "problem" if soft < FEW_FILES else "note", words, remedy)
