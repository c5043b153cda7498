"""Errors about memory in the words of torch, cuDNN, cuBLAS, MPS, OpenCV and the system."""

from __future__ import annotations

import errno
import re

import cv2
import pytest
import torch
from torch import Tensor

from comp.errors import CompError, DeviceError
from comp.training.device import OutOfMemoryError, explain_out_of_memory
from comp.training.weighted_loss import weighted_loss

GPU = [
    torch.OutOfMemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB, other allocations: 1 GB)"),
]
MACHINE = [
    MemoryError(),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 8796093022208 bytes. Error code 12 (Cannot allocate memory)"
    ),
    cv2.error("OpenCV(5) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 9 bytes"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
]
SHARED = [
    RuntimeError(
        "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that "
        "dataloader's workers are out of shared memory."
    ),
    RuntimeError(
        "Caught RuntimeError in DataLoader worker process 0.\nRuntimeError: unable to write to "
        "file </torch_77_1_0>: No space left on device (28)"
    ),
    RuntimeError(
        "unable to allocate shared memory(shm) for file </torch_77_1_0>: No space left on device"
    ),
]
OTHERS = [
    RuntimeError("shape mismatch"),
    RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED."),
    OSError(errno.ENOSPC, "No space left on device"),
    ValueError("CUDA out of memory"),
]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        *((error, OutOfMemoryError, "the GPU is out of memory: lower") for error in GPU),
        *((error, OutOfMemoryError, "this machine is out of memory: lower") for error in MACHINE),
        *((error, DeviceError, "too little shared memory .* loader.workers=0") for error in SHARED),
        *((error, type(error), re.escape(str(error))) for error in OTHERS),
    ],
)
def test_memory_that_is_missing_is_said_in_one_line(
    error: Exception, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught, explain_out_of_memory():
        raise error
    assert isinstance(caught.value, CompError) is (error not in OTHERS)
    assert isinstance(caught.value, OutOfMemoryError) is (error in [*GPU, *MACHINE])


def test_a_real_allocation_that_fails() -> None:
    with pytest.raises(OutOfMemoryError, match="this machine"), explain_out_of_memory():
        torch.empty(1 << 50, dtype=torch.uint8)


def test_a_loss_of_single_samples_without_memory_is_not_a_wrong_loss() -> None:
    def loss(raw: Tensor, _target: Tensor) -> Tensor:
        if len(raw) == 1:
            raise RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")
        return raw.mean()

    with pytest.raises(RuntimeError, match="ALLOC_FAILED"):
        weighted_loss(loss, torch.ones(2, 1), torch.ones(2, 1), torch.ones(2))
