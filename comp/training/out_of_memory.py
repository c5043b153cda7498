"""How libraries say that memory is missing: torch and its allocators, cuDNN, cuBLAS, MPS, OpenCV.

Without torch, so that the command line can also ask.
"""

from __future__ import annotations

import errno

OF_GPU = (
    *(" out of memory.", "CUDA out of memory", "HIP out of memory", "XPU out of memory"),
    *("MPS backend out of memory", "CUDA error: out of memory", "HIP error: out of memory"),
    *("CUDNN_STATUS_ALLOC_FAILED", "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    *("CUBLAS_STATUS_ALLOC_FAILED", "CUSOLVER_STATUS_ALLOC_FAILED", "CUFFT_ALLOC_FAILED"),
    *("HIPBLAS_STATUS_ALLOC_FAILED", "CUSPARSE_STATUS_ALLOC_FAILED"),
)
"""Parts of messages of a GPU. `accelerate.utils.should_reduce_batch_size` knows some of them; it
also has CUDNN_STATUS_NOT_SUPPORTED, which has other causes too and is not here."""
OF_MACHINE = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "Insufficient memory",
    "is killed by signal: Killed",
)
"""Parts of messages about the memory of the machine; the last is that of torch about a worker of a
loader that the system has ended."""
OF_SHARED_MEMORY = (
    "is killed by signal: Bus error",
    "unable to write to file </torch_",
    "unable to resize file </torch_",
    "unable to allocate shared memory(shm) for file </torch_",
)
"""Parts of messages of torch about a worker that cannot return its batch."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of a GPU, or of this machine, is full."""
    return is_gpu_memory(error) or is_machine_memory(error)


def is_gpu_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of a GPU is full."""
    kinds = [f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__]
    if any(kind in ("torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError") for kind in kinds):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in OF_GPU)


def is_machine_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of this machine is full."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    by_library = isinstance(error, RuntimeError) or type(error).__module__.startswith("cv2")
    return by_library and any(text in str(error) for text in OF_MACHINE)


def is_shared_memory(error: BaseException) -> bool:
    """Whether an error says that workers of a loader have too little shared memory."""
    return isinstance(error, RuntimeError) and any(text in str(error) for text in OF_SHARED_MEMORY)
