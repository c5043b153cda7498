"""Where a bundle predicts: on the GPUs that torch can really use, else on the CPU.

A GPU that torch sees may have no kernels: recent builds of torch have none for the P100. A small
convolution on each GPU shows it before the first image.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from typing import Any, TypeVar

import torch
import torch.nn.functional as F

from comp.errors import CompError, DeviceError
from comp.training.out_of_memory import is_gpu_memory

Item = TypeVar("Item")
Result = TypeVar("Result")
Log = Callable[[str], None]

TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
"""The type of numbers of a precision."""
CPU = torch.device("cpu")


def count_gpus() -> int:
    """The number of GPUs that torch sees; a driver that is too old is no GPU, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.cuda.device_count() if torch.cuda.is_available() else 0


def gpu_name(device: torch.device) -> str:
    """The name of a GPU, such as "Tesla T4"."""
    return torch.cuda.get_device_name(device)


def has_bf16(device: torch.device) -> bool:
    """Whether a GPU computes with bf16 itself. The T4 and the P100 do not."""
    return torch.cuda.get_device_capability(device) >= (8, 0)


def why_unusable(device: torch.device, types: Sequence[torch.dtype]) -> str:
    """Why torch cannot use a device, found with a small convolution in each type; "" if it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of a GPU without kernels
            for dtype in types:
                image = torch.ones(1, 3, 8, 8, device=device, dtype=dtype)
                weight = torch.ones(4, 3, 3, 3, device=device, dtype=dtype)
                value = float(F.conv2d(image, weight).float().mean())
                if value != 27:
                    return f"a small convolution gives {value:g} instead of 27"
    except Exception as error:  # each library of a GPU has errors of its own
        return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return ""


def choose_devices(
    wanted: str,
    log: Log,
    precision: str = "auto",
    *,
    count: Callable[[], int] = count_gpus,
    name_of: Callable[[torch.device], str] = gpu_name,
    bf16: Callable[[torch.device], bool] = has_bf16,
    problem_of: Callable[[torch.device, Sequence[torch.dtype]], str] = why_unusable,
) -> list[torch.device]:
    """The devices that predict: all GPUs that torch can use, or the CPU.

    Args:
        wanted: "auto", "cpu" or "cuda".
        precision: of the run; each GPU is tried in its types.
        count: the number of GPUs; like the other functions, for tests without a GPU.

    Raises:
        DeviceError: a GPU is wanted, and none can be used.
    """
    usable = []
    for index in range(0 if wanted == "cpu" else count()):
        device = torch.device("cuda", index)
        used = precision_on(precision, [device], bf16=bf16)
        types = [TYPES[name] for name in dict.fromkeys(["fp32", used])]
        reason = problem_of(device, types)
        if reason:
            log(f"device {device} ({name_of(device)}) is left out, torch cannot use it: {reason}")
        else:
            usable.append(device)
    if usable:
        log("device " + ", ".join(f"{device} ({name_of(device)})" for device in usable))
        return usable
    if wanted == "cuda":
        raise DeviceError("torch cannot use a GPU here: turn one on, or give --device auto")
    log(f"device cpu ({torch.get_num_threads()} threads)")
    return [CPU]


def precision_on(
    wanted: str,
    devices: Sequence[torch.device],
    log: Log | None = None,
    *,
    bf16: Callable[[torch.device], bool] = has_bf16,
) -> str:
    """The precision of the predictions: "fp32", "fp16" or "bf16".

    "auto" is bf16 or fp16 on GPUs and fp32 on the CPU, as in a run. What a device cannot do becomes
    fp32, which is slower and never less exact.
    """
    on_gpu = all(device.type == "cuda" for device in devices)
    all_bf16 = on_gpu and all(bf16(device) for device in devices)
    if wanted == "auto":
        return ("bf16" if all_bf16 else "fp16") if on_gpu else "fp32"
    missing = (wanted == "fp16" and not on_gpu) or (wanted == "bf16" and on_gpu and not all_bf16)
    if missing and log:
        log(f"device without {wanted}, the precision of the run: fp32 instead, which is slower")
    return "fp32" if missing else wanted


def predict_in_order(
    batches: Iterator[Sequence[Item]],
    devices: Sequence[torch.device],
    predict: Callable[[Sequence[Item], torch.device], Sequence[Result]],
    log: Log,
) -> Iterator[Result]:
    """Yield the result of each item, in order.

    Several devices take the batches in turn, each in a thread of its own, and each is at most two
    batches ahead, so that the results of many images need not fit into memory.

    Args:
        predict: returns one result for each item of a batch.

    Raises:
        DeviceError: one image alone does not fit into the memory of a GPU.
    """
    smaller = {device: SmallerBatches(device, predict, log) for device in devices}
    if len(devices) == 1:
        for batch in batches:
            yield from smaller[devices[0]](batch)
        return
    pools = {device: ThreadPoolExecutor(max_workers=1) for device in devices}
    waiting: list[Future[list[Result]]] = []
    try:
        for batch, device in zip(batches, cycle(devices), strict=False):
            waiting.append(pools[device].submit(smaller[device], batch))
            if len(waiting) > 2 * len(devices):
                yield from waiting.pop(0).result()
        while waiting:
            yield from waiting.pop(0).result()
    finally:
        for pool in pools.values():
            pool.shutdown(cancel_futures=True)


class SmallerBatches:
    """Predicts batches on one device. When its memory is full, batches become half as large, and
    stay so.

    Args:
        predict: returns one result for each item of a batch.
    """

    def __init__(
        self,
        device: torch.device,
        predict: Callable[[Sequence[Any], torch.device], Sequence[Any]],
        log: Log,
    ) -> None:
        self.device, self.predict, self.log = device, predict, log
        self.size: int | None = None
        """The number of items that fit; None as long as all did."""

    def __call__(self, batch: Sequence[Any]) -> list[Any]:
        """The results of a batch, in order.

        Raises:
            DeviceError: one item does not fit.
        """
        results: list[Any] = []
        while len(results) < len(batch):
            part = batch[len(results) : len(results) + (self.size or len(batch))]
            found = self._try(part)
            if found is None:
                self._halve(len(part))
            else:
                results += found
        return results

    def _try(self, part: Sequence[Any]) -> Sequence[Any] | None:
        """The results of some items; None if the memory of the GPU is full."""
        try:
            return self.predict(part, self.device)
        except CompError:
            raise
        except Exception as error:  # torch, cuDNN and cuBLAS say it in different ways
            if not is_gpu_memory(error):
                raise
            return None

    def _halve(self, size: int) -> None:
        """Called after the error is gone, because it holds the tensors of the batch."""
        if size == 1:
            raise DeviceError(
                f"one image does not fit into the memory of {self.device}: give --device cpu"
            )
        self.size = max(1, size // 2)
        self.log(f"device {self.device} is out of memory: batches of {self.size} instead of {size}")
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
