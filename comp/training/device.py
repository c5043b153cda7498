"""The device, the precision, and the accelerator that applies both."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.utils import DataLoaderConfiguration

from comp.config.launched import launcher_variables
from comp.config.nearest import did_you_mean
from comp.config.schema import Precision, RunConfig
from comp.errors import DeviceError
from comp.training.allocator import keep_freed_memory
from comp.training.kernels import cannot_compute, why_unusable
from comp.training.out_of_memory import is_gpu_memory, is_machine_memory, is_shared_memory
from comp.training.ranks import ALONE, Ranks
from comp.training.threads import follow_cpu_quota

OTHER_TORCH = "install a torch for this GPU (https://pytorch.org/get-started/locally/)"
_MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def choose_device(name: str, problem_of: Callable[[str], str] | None = None) -> torch.device:
    """Return the device with this name; "auto" chooses cuda, then mps, then the CPU. A GPU on which
    torch cannot compute is not chosen.

    Args:
        problem_of: why torch cannot compute on a GPU; for tests without one.

    Raises:
        DeviceError: this machine does not have the device, or torch cannot compute on it.
    """
    problem_of = problem_of or why_unusable
    follow_cpu_quota()
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        available["cuda"] = available["cuda"] and not problem_of("cuda")
        return torch.device(next(kind for kind, usable in available.items() if usable))
    kind, _, index = name.partition(":")
    known = available.get(kind, False) and re.fullmatch(r"[a-z]+(:\d+)?", name) is not None
    if not known or (kind == "cuda" and int(index or 0) >= torch.cuda.device_count()):
        kinds = ", ".join(kind for kind, usable in available.items() if usable)
        near = "" if kind in available else did_you_mean(kind, ["auto", *available])
        raise DeviceError(
            f"no device '{name}' on this machine, only {kinds}: {near}use one of them"
        )
    reason = problem_of(name) if kind == "cuda" else ""
    if reason:
        raise DeviceError(f"{cannot_compute(name, reason)}: {OTHER_TORCH}, or use --device cpu")
    return torch.device(name)


def unused_gpu_note(config: RunConfig) -> str:
    """Say that a run trains on another device because torch cannot compute on the GPU; "" if it
    can, or if there is none."""
    if config.device != "auto" or not torch.cuda.is_available():
        return ""
    reason = why_unusable("cuda")
    if not reason:
        return ""
    there = f"the run uses the {choose_device('auto').type.upper()}"
    return f"{cannot_compute('cuda', reason)}; {there}: to use the GPU, {OTHER_TORCH}"


def choose_precision(name: Precision, device: torch.device) -> Precision:
    """Return the precision to use; "auto" is bf16 or fp16 on a CUDA GPU and fp32 elsewhere.

    Raises:
        DeviceError: fp16 without a CUDA GPU, because its kernels and gradient scaling are made for
            GPUs; or bf16 on a GPU that does not support it.
    """
    bf16_gpu = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if name == "auto":
        if device.type != "cuda":
            return "fp32"
        return "bf16" if bf16_gpu else "fp16"
    if name == "fp16" and device.type != "cuda":
        raise DeviceError(f"precision fp16 needs a CUDA GPU, found {device.type}: use fp32 or bf16")
    if name == "bf16" and device.type == "cuda" and not bf16_gpu:
        raise DeviceError(f"{torch.cuda.get_device_name(device)} has no bf16: use fp16")
    return name


class OutOfMemoryError(DeviceError):
    """The GPU, or the machine, does not have enough memory."""


LESS_MEMORY = (
    "lower loader.batch_size (and raise optim.accumulate by the same factor), or "
    "predict.batch_size and predict.tile"
)
"""Advice that saves memory."""
SHARED_MEMORY = (
    "the workers of the loader have too little shared memory in /dev/shm: set loader.workers=0, or "
    "make it larger (in a container 'docker run --shm-size=2g')"
)


@contextmanager
def explain_out_of_memory(advice: str = LESS_MEMORY) -> Iterator[None]:
    """Turn an error about memory, of any library, into one line with advice.

    Raises:
        OutOfMemoryError: the GPU, or this machine, is out of memory.
        DeviceError: workers of a loader have too little shared memory.
    """
    try:
        yield
    except Exception as error:
        if is_shared_memory(error):
            raise DeviceError(SHARED_MEMORY) from None
        if is_gpu_memory(error):
            raise OutOfMemoryError(f"the GPU is out of memory: {advice}") from None
        if is_machine_memory(error):
            raise OutOfMemoryError(f"this machine is out of memory: {advice}") from None
        raise


def less_memory_to_predict(config: RunConfig) -> str:
    """Advice for a fold that is trained but cannot be predicted."""
    size = config.predict.batch_size
    if size == 1:
        return "start a new run with a lower predict.tile, smaller images or another backbone"
    return (
        "the fold is trained; predict it with "
        f"'comp run {config.competition} --resume --set predict.batch_size={size // 2}'"
    )


def cannot_halve(size: int, least: int) -> str:
    """The message for a batch size that cannot be split into two multiples of `least`."""
    advice = "use smaller images or another backbone"
    if size > least:
        advice = f"it cannot be halved, use a smaller one or a multiple of {2 * least}"
    return f"out of memory with loader.batch_size = {size}: {advice}"


def make_accelerator(
    device: torch.device, precision: Precision, accumulate: int = 1, ranks: Ranks = ALONE
) -> Accelerator:
    """An accelerator for one process on `device`, or for `ranks`, each of which then gets its part
    of every batch. Variables of a launcher alone do not make it one of several.

    Accelerate keeps one state per process and refuses a second run with another precision, so the
    state of an earlier run is deleted first.
    """
    # batches that train have one size; predictions of many sizes turn it off
    torch.backends.cudnn.benchmark = device.type == "cuda"
    if device.type == "cpu":
        keep_freed_memory()
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)  # accelerate does not, and kernels go to the current one
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    variables = {"ACCELERATE_TORCH_DEVICE": str(device), **ranks.variables()}
    with launcher_variables(variables), _threads_kept(ranks):
        return Accelerator(
            cpu=device.type == "cpu",
            mixed_precision=_MIXED[precision],
            gradient_accumulation_steps=accumulate,
            # A blocking copy waits for the previous step, and that would count as waiting for data.
            dataloader_config=DataLoaderConfiguration(
                non_blocking=device.type == "cuda", split_batches=not ranks.alone
            ),
        )


@contextmanager
def _threads_kept(ranks: Ranks) -> Iterator[None]:
    """Keep accelerate from choosing the number of threads of several ranks, with a warning."""
    unset = not ranks.alone and "OMP_NUM_THREADS" not in os.environ
    if unset:
        os.environ["OMP_NUM_THREADS"] = str(torch.get_num_threads())
    try:
        yield
    finally:
        if unset:
            del os.environ["OMP_NUM_THREADS"]


def of_rank(device: torch.device, ranks: Ranks) -> torch.device:
    """The device of one of several ranks, such as cuda:1."""
    return torch.device("cuda", ranks.local_rank) if device.type == "cuda" else device


def describe(device: torch.device) -> str:
    """The device for people, such as "cuda (NVIDIA H100)" or "cpu (2 threads)"."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)
