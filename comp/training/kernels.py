"""What torch can really do on a device: compute, and compile a network."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from comp.errors import ConfigError
from comp.training.out_of_memory import is_out_of_memory

COMPILERS: dict[str, tuple[str, ...]] = {
    "linux": ("g++",),
    "darwin": ("clang++", "g++"),
    "win32": ("cl",),
}
"""The C++ compilers that torch looks for, by platform, unless CXX names another one."""
TRITON_COMPILERS: tuple[str, ...] = ("gcc", "clang")
"""The C compilers that triton looks for, unless CC names another one."""
TRITON_LEAST = (7, 0)
"""The least compute capability of a GPU for triton."""
COMPILING = ("torch._dynamo", "torch._inductor", "torch._functorch", "triton")
"""The packages whose errors say that a network cannot be compiled."""


@functools.cache
def why_unusable(device: str) -> str:
    """Why torch cannot compute on a GPU that it sees; "" if it can.

    Recent builds of torch have no kernels for old GPUs such as the P100: the first kernel fails. A
    GPU whose memory is full is usable: training says what to do then.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of a GPU without kernels
            value = float((torch.ones(2, device=device) * 2).sum())
    except Exception as error:  # each library of a GPU has errors of its own
        return "" if is_out_of_memory(error) else _first_line(error)
    return "" if value == 4 else f"2 + 2 gives {value:g}"


def gpu_name(device: str) -> str:
    """The name of a GPU, such as "Tesla P100-PCIE-16GB"."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.cuda.get_device_name(device)


def cannot_compute(device: str, reason: str) -> str:
    """One line about a GPU that torch cannot use."""
    return f"torch cannot compute on {device} ({gpu_name(device)}): {reason}"


def check_compiler(
    device: torch.device,
    find: Callable[[str], str | None] = shutil.which,
    triton: Callable[[], bool] | None = None,
    capability: Callable[[torch.device], tuple[int, int]] | None = None,
) -> None:
    """Check that torch finds what it compiles with: a C++ compiler on the CPU, triton and a C
    compiler on a GPU.

    Args:
        find: the path of a program; like the other functions, for tests.

    Raises:
        ConfigError: it does not.
    """
    if device.type == "cuda":
        least = ".".join(map(str, TRITON_LEAST))
        if (capability or torch.cuda.get_device_capability)(device) < TRITON_LEAST:
            raise _cannot_compile(f"a GPU below compute capability {least}: use another GPU")
        if not (triton or _has_triton)():
            raise _cannot_compile("no triton: install it with 'pip install triton'")
        name, known = "CC", TRITON_COMPILERS
    else:
        name, known = "CXX", COMPILERS.get(sys.platform, ("g++",))
    chosen = os.environ.get(name, "").split()[:1]
    if not any(map(find, chosen or known)):
        kind = "C" if name == "CC" else "C++"
        raise _cannot_compile(_missing(kind, name, chosen, known))


def _missing(kind: str, name: str, chosen: Sequence[str], known: Sequence[str]) -> str:
    if chosen:
        return f"no {kind} compiler {chosen[0]}, which {name} names: install it"
    return f"no {kind} compiler ({' or '.join(known)}): install one"


def _cannot_compile(found: str) -> ConfigError:
    return ConfigError(f"compile = true, but there is {found}, or set compile=false")


def _has_triton() -> bool:
    from importlib.util import find_spec

    return find_spec("triton") is not None


@contextmanager
def explain_compilation(compiled: bool) -> Iterator[None]:
    """Turn an error of the compilation of a network into one line.

    Raises:
        ConfigError: the network, or something that it calls, cannot be compiled.
    """
    try:
        yield
    except Exception as error:
        if not compiled or is_out_of_memory(error) or not _of_compilation(error):
            raise
        raise ConfigError(
            f"compile = true, but torch cannot compile this network ({_first_line(error)[:160]}): "
            "set compile=false"
        ) from None


def _of_compilation(error: BaseException) -> bool:
    return any(kind.__module__.startswith(COMPILING) for kind in type(error).__mro__)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0].rstrip(".:")
