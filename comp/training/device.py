"""The device, the precision, and the accelerator that applies both."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.utils import DataLoaderConfiguration

from comp.config.schema import Precision, RunConfig
from comp.errors import DeviceError

_MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def choose_device(name: str) -> torch.device:
    """Return the device of this name; "auto" takes cuda, then mps, then the CPU.

    Raises:
        DeviceError: when there is no such device on this machine.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, available in there.items() if available))
    kind, _, index = name.partition(":")
    known = there.get(kind, False) and re.fullmatch(r"[a-z]+(:\d+)?", name) is not None
    if not known or (kind == "cuda" and int(index or 0) >= torch.cuda.device_count()):
        found = ", ".join(kind for kind, available in there.items() if available)
        raise DeviceError(f"device '{name}' is not there: this machine has {found}")
    return torch.device(name)


def choose_precision(name: Precision, device: torch.device) -> Precision:
    """Return the precision to use; "auto" is bf16 or fp16 on a GPU and fp32 elsewhere.

    Raises:
        DeviceError: fp16 on the CPU, whose kernels and gradient scaling are made for GPUs, or bf16
            on a GPU without it.
    """
    bf16_gpu = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if name == "auto":
        if device.type != "cuda":
            return "fp32"
        return "bf16" if bf16_gpu else "fp16"
    if name == "fp16" and device.type != "cuda":
        raise DeviceError(f"precision fp16 needs a CUDA GPU, found {device.type}: use fp32 or bf16")
    if name == "bf16" and device.type == "cuda" and not bf16_gpu:
        raise DeviceError("this GPU has no bf16: use fp16")
    return name


class OutOfMemoryError(DeviceError):
    """The GPU has not the memory that this takes."""


LESS = (
    "lower loader.batch_size (and raise optim.accumulate by as much), or predict.batch_size and "
    "predict.tile"
)
"""What takes less memory."""


@contextmanager
def explain_out_of_memory(remedy: str = LESS) -> Iterator[None]:
    """Say in plain words that the device is out of memory.

    Raises:
        OutOfMemoryError: with the remedy.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise OutOfMemoryError(f"the GPU is out of memory: {remedy}") from None


def less_memory_to_predict(config: RunConfig) -> str:
    """How to predict a fold that is trained with less memory."""
    size = config.predict.batch_size
    if size == 1:
        return "begin a new run with a lower predict.tile, smaller images or another backbone"
    return (
        f"'comp run {config.competition} --resume --set predict.batch_size={size // 2}' goes on "
        "where the fold was trained"
    )


def cannot_halve(size: int, least: int) -> str:
    """What to say of a batch that is out of memory and is not two batches of at least `least`."""
    remedy = "use smaller images or another backbone"
    if size > least:
        remedy = f"that cannot be halved, give a smaller one or a multiple of {2 * least}"
    return f"the GPU is out of memory with loader.batch_size = {size}: {remedy}"


def make_accelerator(
    device: torch.device, precision: Precision, accumulate: int = 1
) -> Accelerator:
    """An accelerator for one process on `device`.

    Accelerate keeps one state a process and would refuse a second run with another precision, so
    the state of an earlier run is dropped first.
    """
    torch.backends.cudnn.benchmark = device.type == "cuda"
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    before = os.environ.get("ACCELERATE_TORCH_DEVICE")
    os.environ["ACCELERATE_TORCH_DEVICE"] = str(device)
    try:
        return Accelerator(
            cpu=device.type == "cpu",
            mixed_precision=_MIXED[precision],
            gradient_accumulation_steps=accumulate,
            # A blocking copy would wait for the step before it, and call that waiting for data.
            dataloader_config=DataLoaderConfiguration(non_blocking=device.type == "cuda"),
        )
    finally:
        if before is None:
            del os.environ["ACCELERATE_TORCH_DEVICE"]
        else:
            os.environ["ACCELERATE_TORCH_DEVICE"] = before


def describe(device: torch.device) -> str:
    """The device in words, such as "cuda (NVIDIA H100)" or "cpu (2 threads)"."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)
