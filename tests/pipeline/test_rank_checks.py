from __future__ import annotations

from typing import Any

import pytest
import torch

from comp.config.placement import Placement
from comp.config.schema import RunConfig, resolve
from comp.errors import ConfigError, DeviceError
from comp.pipeline.rank_checks import (
    check_gpus,
    check_launcher,
    check_ranks,
    describe_ranks,
    placement_of_ranks,
)
from comp.training.ranks import ALONE, Ranks

CPU = torch.device("cpu")
FOUR = Ranks(size=4, local_size=4)


def config(**values: Any) -> RunConfig:
    return resolve("toy", [values])


@pytest.mark.parametrize(
    ("loader", "nearest"),
    [
        ({"batch_size": 30}, "28 or 32"),
        ({"batch_size": 3}, "set loader.batch_size=4"),
        ({"batch_size": 12, "mixup": 0.2}, "8 or 16"),
    ],
)
def test_a_batch_that_cannot_be_split_is_refused(loader: dict[str, Any], nearest: str) -> None:
    with pytest.raises(ConfigError, match=nearest):
        check_ranks(config(loader=loader), CPU, FOUR)
    check_ranks(config(loader=loader), CPU, ALONE)


def test_batches_that_can_be_split_pass() -> None:
    check_ranks(config(loader={"batch_size": 12}), CPU, FOUR)
    check_ranks(config(loader={"batch_size": 16, "cutmix": 1.0}), CPU, FOUR)


def test_several_processes_need_a_device_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for device, message in (("mps", "mps"), ("cuda:1", "is one GPU"), ("cuda", "torch sees 1 GPU")):
        with pytest.raises(DeviceError, match=message):
            check_ranks(config(), torch.device(device), FOUR)
    with pytest.raises(DeviceError, match="torch sees 2 GPUs: use --gpus 2"):
        check_gpus(4, 2)


def test_a_batch_size_to_find_and_a_budget_of_several_machines_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 4"):
        check_ranks(config(loader={"batch_size": "auto"}), CPU, FOUR)
    with pytest.raises(ConfigError, match="one machine"):
        check_ranks(config(budget="1m"), CPU, Ranks(size=4, local_size=2))


def test_a_launcher_that_was_told_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    with pytest.raises(ConfigError, match=r"told precision = bf16, but the run has .* fp32: leave"):
        check_launcher(config(), CPU, "fp32")
    with pytest.raises(ConfigError, match="told device = cpu, but the run has device = cuda"):
        check_launcher(config(), torch.device("cuda"), "bf16")
    check_launcher(config(), CPU, "bf16")


def test_the_placement_is_that_of_the_launcher() -> None:
    assert placement_of_ranks(Placement(), ALONE) == Placement()
    assert placement_of_ranks(Placement(gpus=4), FOUR) == Placement(jobs=1, gpus=4)
    for placement in (Placement(gpus=2), Placement(jobs=2), Placement(on="ray")):
        with pytest.raises(ConfigError):
            placement_of_ranks(placement, FOUR)
    with pytest.raises(ConfigError, match="torchrun --nproc-per-node 2"):
        placement_of_ranks(Placement(gpus=2), ALONE)


def test_a_note_says_what_each_process_gets() -> None:
    assert describe_ranks("cpu (1 threads)", ALONE, config()) == []
    (on_cpu,) = describe_ranks("cpu (1 threads)", FOUR, config())
    (on_gpus,) = describe_ranks("cuda (NVIDIA T4)", FOUR, config())
    assert "4 processes on the CPU, 8 samples" in on_cpu
    assert "of one part" in on_cpu
    assert on_gpus == "each fold trains on 4 GPUs, 8 samples of every batch on each"
