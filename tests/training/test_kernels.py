"""GPUs without kernels, and machines without a compiler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch._dynamo.exc import TorchDynamoException
from torch._inductor.exc import InvalidCxxCompiler

from comp.config.schema import resolve
from comp.errors import ConfigError, DeviceError
from comp.training import device as devices
from comp.training import kernels
from comp.training.device import choose_device, unused_gpu_note
from comp.training.kernels import check_compiler, explain_compilation, why_unusable

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
NO_KERNEL = "CUDA error: no kernel image is available for execution on the device"


@pytest.fixture
def p100(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A GPU that torch sees, and for which it has no kernels."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda _device: "Tesla P100-PCIE-16GB")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)

    def ones(*_args: Any, **_more: Any) -> None:
        raise RuntimeError(f"{NO_KERNEL}\nCUDA kernel errors might be reported later.")

    monkeypatch.setattr(kernels.torch, "ones", ones)
    why_unusable.cache_clear()
    yield
    why_unusable.cache_clear()


def test_auto_leaves_out_a_gpu_without_kernels_and_says_so(p100: None) -> None:
    assert choose_device("auto") == CPU
    note = unused_gpu_note(resolve("toy", [{}]))
    assert note.startswith(f"torch cannot compute on cuda (Tesla P100-PCIE-16GB): {NO_KERNEL}; ")
    assert "the run uses the CPU" in note
    assert "install a torch for this GPU" in note
    assert unused_gpu_note(resolve("toy", [{"device": "cpu"}])) == ""


@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_a_gpu_without_kernels_that_is_asked_for_is_refused(name: str, p100: None) -> None:
    with pytest.raises(DeviceError) as caught:
        choose_device(name)
    text = str(caught.value)
    assert text.startswith(f"torch cannot compute on {name} (Tesla P100-PCIE-16GB): {NO_KERNEL}")
    assert text.endswith("or use --device cpu")
    assert "\n" not in text
    assert choose_device(name, problem_of=lambda _name: "") == torch.device(name)


def test_a_gpu_whose_memory_is_full_is_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    def ones(*_args: Any, **_more: Any) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(kernels.torch, "ones", ones)
    why_unusable.cache_clear()
    assert why_unusable("cuda") == ""
    why_unusable.cache_clear()


def test_a_device_that_computes_is_usable() -> None:
    assert why_unusable("cpu") == ""
    assert not torch.cuda.is_available() or devices.unused_gpu_note(resolve("toy", [{}])) == ""


def only(*names: str) -> Callable[[str], str | None]:
    return lambda name: f"/usr/bin/{name}" if name in names else None


@pytest.mark.parametrize(
    ("device", "variables", "programs", "triton", "capability", "words"),
    [
        (CPU, {}, ["g++", "clang++", "cl"], False, (0, 0), ""),
        (CPU, {}, ["gcc"], False, (0, 0), "no C++ compiler ("),
        (CPU, {"CXX": "/opt/icpx -m64"}, ["/opt/icpx"], False, (0, 0), ""),
        (CPU, {"CXX": "icpx"}, ["g++"], False, (0, 0), "no C++ compiler icpx, which CXX names"),
        (CUDA, {}, ["gcc"], True, (9, 0), ""),
        (CUDA, {}, [], True, (9, 0), "no C compiler (gcc or clang): install one"),
        (CUDA, {"CC": "icx"}, ["gcc"], True, (9, 0), "no C compiler icx, which CC names"),
        (CUDA, {}, ["gcc"], False, (9, 0), "no triton"),
        (CUDA, {}, ["gcc"], True, (6, 1), "a GPU below compute capability 7.0"),
    ],
)
def test_compile_needs_a_compiler(
    monkeypatch: pytest.MonkeyPatch,
    device: torch.device,
    variables: dict[str, str],
    programs: list[str],
    triton: bool,
    capability: tuple[int, int],
    words: str,
) -> None:
    for name in ("CC", "CXX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def check() -> None:
        check_compiler(device, only(*programs), lambda: triton, lambda _device: capability)

    if not words:
        check()
        return
    with pytest.raises(ConfigError) as caught:
        check()
    assert str(caught.value).startswith("compile = true, but there is ")
    assert words in str(caught.value)
    assert str(caught.value).endswith("or set compile=false")


def test_an_error_of_the_compilation_is_one_line() -> None:
    for error in (InvalidCxxCompiler(), TorchDynamoException("cannot trace\nmany lines")):
        with pytest.raises(ConfigError) as caught, explain_compilation(True):
            raise error
        text = str(caught.value)
        assert text.startswith("compile = true, but torch cannot compile this network (")
        assert text.endswith("set compile=false")
        assert "\n" not in text
        with pytest.raises(type(error)), explain_compilation(False):
            raise error


@pytest.mark.parametrize(
    "error", [ValueError("of the loss"), RuntimeError("CUDA out of memory"), ConfigError("x")]
)
def test_other_errors_stay(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)), explain_compilation(True):
        raise error
