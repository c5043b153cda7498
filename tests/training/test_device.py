"""Devices and precisions that this machine has, and those that it does not have."""

from __future__ import annotations

import os

import pytest
import torch

from comp.errors import DeviceError
from comp.training.device import choose_device, choose_precision, describe, make_accelerator

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("comp.training.device.why_unusable", lambda _name: "")


def test_auto_chooses_the_cpu_without_a_gpu(without_gpu: None) -> None:
    assert choose_device("auto") == CPU


def test_auto_chooses_cuda_first(two_gpus: None) -> None:
    assert choose_device("auto") == CUDA


def test_auto_chooses_mps_before_the_cpu(
    without_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")


@pytest.mark.parametrize("name", ["tpu", "cuda", "cuda:1", "mps", "CPU", "", "cpu:x", "cpu,cuda"])
def test_a_missing_device_is_named_with_the_available_ones(name: str, without_gpu: None) -> None:
    with pytest.raises(DeviceError) as caught:
        choose_device(name)
    assert str(caught.value).startswith(f"no device '{name}' on this machine, only cpu: ")


def test_the_index_of_a_gpu_must_exist(two_gpus: None) -> None:
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match=r"no device 'cuda:2' on this machine, only cuda, .*cpu"):
        choose_device("cuda:2")


def test_fp16_on_the_cpu_is_refused_with_advice() -> None:
    with pytest.raises(DeviceError, match="fp16 needs a CUDA GPU, found cpu: use fp32 or bf16"):
        choose_precision("fp16", CPU)


@pytest.mark.parametrize(
    ("name", "expected"), [("auto", "fp32"), ("fp32", "fp32"), ("bf16", "bf16")]
)
def test_the_precision_on_the_cpu(name: str, expected: str) -> None:
    assert choose_precision(name, CPU) == expected


@pytest.mark.parametrize(("bf16", "expected"), [(True, "bf16"), (False, "fp16")])
def test_auto_precision_on_a_gpu_is_bf16_if_it_is_native(
    bf16: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return bf16 or including_emulation

    monkeypatch.setattr("torch.cuda.is_bf16_supported", supported)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda _device: "Tesla T4")
    assert choose_precision("auto", CUDA) == expected
    assert choose_precision("fp16", CUDA) == "fp16"
    if not bf16:
        with pytest.raises(DeviceError, match="Tesla T4 has no bf16: use fp16"):
            choose_precision("bf16", CUDA)


def test_accelerators_of_different_precision_follow_each_other_in_one_process() -> None:
    kinds = [("fp32", "no", 1), ("bf16", "bf16", 3), ("fp32", "no", 2)]
    for precision, mixed, accumulate in kinds:
        accelerator = make_accelerator(CPU, precision, accumulate)
        assert accelerator.mixed_precision == mixed
        assert accelerator.gradient_accumulation_steps == accumulate
        assert accelerator.device == CPU
        assert accelerator.num_processes == 1
        product = torch.ones(2, 2)
        with accelerator.autocast():
            product = product @ product
        assert product.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)


@pytest.mark.parametrize("before", [None, "cuda:7"])
def test_the_environment_is_left_as_it_was(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACCELERATE_TORCH_DEVICE", raising=False)
    if before:
        monkeypatch.setenv("ACCELERATE_TORCH_DEVICE", before)
    environment = dict(os.environ)
    assert make_accelerator(CPU, "bf16").device == CPU
    assert dict(os.environ) == environment


def test_the_cpu_is_described_with_its_threads() -> None:
    assert describe(CPU) == f"cpu ({torch.get_num_threads()} threads)"


@pytest.mark.gpu
def test_the_gpu_is_described_by_name_and_used() -> None:
    device = choose_device("auto")
    assert device.type == "cuda"
    assert describe(device) == f"cuda ({torch.cuda.get_device_name(0)})"
    assert choose_device("cuda:0") == torch.device("cuda", 0)
    with pytest.raises(DeviceError, match=f"cuda:{torch.cuda.device_count()}"):
        choose_device(f"cuda:{torch.cuda.device_count()}")
    assert make_accelerator(device, "fp32").device.type == "cuda"
    assert make_accelerator(CPU, "fp32").device == CPU
    assert make_accelerator(device, "bf16").device.type == "cuda"


@pytest.mark.parametrize("name", ["cpu:", "cuda:x", "CPU", "cpu :0", ""])
def test_a_malformed_device_name_is_named(name: str, without_gpu: None) -> None:
    with pytest.raises(DeviceError, match=f"no device '{name}' on this machine"):
        choose_device(name)
