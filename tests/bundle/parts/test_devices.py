import threading
from collections.abc import Sequence
from functools import partial

import pytest
import torch

from comp.bundle.parts.devices import (
    CPU,
    choose_devices,
    precision_on,
    predict_in_order,
    why_unusable,
)
from comp.errors import DeviceError

NO_KERNELS = "CUDA error: no kernel image is available for execution on the device"
GPUS = [torch.device("cuda", 0), torch.device("cuda", 1)]


def choose(
    wanted: str, gpus: int = 2, problem: str = "", bad: Sequence[int] = (), bf16: bool = False
) -> tuple[list[torch.device], list[str], list[list[torch.dtype]]]:
    """What is chosen on a machine with some GPUs, some of which cannot be used; the log, and the
    types that are tried."""
    log: list[str] = []
    tried: list[list[torch.dtype]] = []

    def problem_of(device: torch.device, types: Sequence[torch.dtype]) -> str:
        tried.append(list(types))
        return problem if device.index in bad else ""

    found = choose_devices(
        wanted,
        log.append,
        count=lambda: gpus,
        name_of=lambda _: "Tesla",
        bf16=lambda _: bf16,
        problem_of=problem_of,
    )
    return found, log, tried


def test_two_gpus_are_used_as_two() -> None:
    found, log, tried = choose("auto")
    assert found == GPUS
    assert log == ["device cuda:0 (Tesla), cuda:1 (Tesla)"]
    assert tried == [[torch.float32, torch.float16]] * 2


def test_a_gpu_is_tried_in_bf16_if_it_has_it() -> None:
    assert choose("auto", 1, bf16=True)[2] == [[torch.float32, torch.bfloat16]]


def test_a_gpu_without_kernels_is_said_then_the_cpu() -> None:
    found, log, _ = choose("auto", 1, NO_KERNELS, [0])
    assert found == [CPU]
    assert "cuda:0 (Tesla) is left out" in log[0]
    assert "no kernel image" in log[0]
    assert log[1].startswith("device cpu")


def test_the_other_gpu_is_used() -> None:
    assert choose("auto", 2, NO_KERNELS, [0])[0] == [GPUS[1]]


def test_the_cpu_on_request() -> None:
    assert choose("cpu")[0] == [CPU]


def test_a_wanted_gpu_that_is_not_there() -> None:
    with pytest.raises(DeviceError, match="--device auto"):
        choose("cuda", 0)


def test_the_small_convolution_on_this_cpu() -> None:
    assert why_unusable(CPU, [torch.float32, torch.bfloat16]) == ""
    assert why_unusable(torch.device("meta"), [torch.float32]) != ""


def test_the_precision_is_one_that_all_devices_have() -> None:
    log: list[str] = []
    old = partial(precision_on, bf16=lambda device: device.index == 1)
    assert old("auto", [CPU]) == "fp32"
    assert old("auto", GPUS) == "fp16"
    assert old("auto", GPUS[1:]) == "bf16"
    assert old("fp16", [CPU], log.append) == "fp32"
    assert old("bf16", GPUS, log.append) == "fp32"
    assert old("bf16", [CPU]) == "bf16"
    assert len(log) == 2


def test_two_devices_predict_at_the_same_time_and_results_keep_their_order() -> None:
    both = threading.Barrier(2, timeout=120)
    used: dict[int, set[str]] = {}

    def predict(batch: Sequence[int], device: torch.device) -> list[int]:
        used.setdefault(device.index, set()).add(threading.current_thread().name)
        both.wait()  # passes only if both devices work at the same time
        return [10 * item for item in batch]

    batches = iter([[3 * i, 3 * i + 1, 3 * i + 2] for i in range(8)])
    results = list(predict_in_order(batches, GPUS, predict, lambda _: None))
    assert results == [10 * item for item in range(24)]
    assert [len(threads) for threads in used.values()] == [1, 1]


def test_results_that_nobody_takes_stop_the_reading() -> None:
    read: list[int] = []

    def batches():
        for index in range(100):
            read.append(index)
            yield [index]

    def predict(batch: Sequence[int], _: torch.device) -> Sequence[int]:
        return batch

    results = predict_in_order(batches(), GPUS, predict, lambda _: None)
    assert next(results) == 0
    assert len(read) < 10
    results.close()  # type: ignore[attr-defined]


def test_a_fault_in_a_thread_is_raised() -> None:
    def predict(batch: Sequence[int], _: torch.device) -> Sequence[int]:
        if 3 in batch:
            raise ValueError("three")
        return batch

    with pytest.raises(ValueError, match="three"):
        list(predict_in_order(iter([[i] for i in range(9)]), GPUS, predict, lambda _: None))


def full_above(size: int, sizes: list[int]):
    """A GPU whose memory has room for some items."""

    def predict(batch: Sequence[int], device: torch.device) -> Sequence[int]:
        sizes.append(len(batch))
        if len(batch) > size:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return [10 * item for item in batch]

    return predict


def test_smaller_batches_when_the_memory_is_full() -> None:
    log: list[str] = []
    sizes: list[int] = []
    batches = iter([list(range(8)), list(range(8, 13))])
    results = list(predict_in_order(batches, [CPU], full_above(3, sizes), log.append))
    assert results == [10 * item for item in range(13)]
    assert sizes == [8, 4, 2, 2, 2, 2, 2, 2, 1]  # and they stay small
    assert log == [
        "device cpu is out of memory: batches of 4 instead of 8",
        "device cpu is out of memory: batches of 2 instead of 4",
    ]


def test_one_image_that_does_not_fit() -> None:
    with pytest.raises(DeviceError, match="one image does not fit"):
        list(predict_in_order(iter([[1, 2]]), [CPU], full_above(0, []), lambda _: None))


def test_other_errors_are_not_hidden() -> None:
    def predict(batch: Sequence[int], _: torch.device) -> Sequence[int]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        list(predict_in_order(iter([[1, 2]]), [CPU], predict, lambda _: None))
