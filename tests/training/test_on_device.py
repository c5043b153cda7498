"""Constants of losses are copied to a device once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from comp.config.sections import LossConfig
from comp.training.class_losses import class_loss
from comp.training.label_losses import label_loss
from comp.training.mask_losses import mask_loss
from comp.training.on_device import OnDevice

META = torch.device("meta")


class FromCpu(TorchDispatchMode):
    """Counts the operations that take a tensor of the CPU, or wait for the device, while the
    training is on another one."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        waits = func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)
        tensors = [part for part in args if isinstance(part, Tensor)]
        if waits or any(part.device.type == "cpu" for part in tensors):
            self.found.append(str(func))
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and made.device.type == "cpu":
            self.found.append(f"{func} makes a tensor of the CPU")
        return made


WEIGHTS = torch.tensor([1.0, 2.0, 3.0])
LOSSES: list[tuple[Callable[[], Any], tuple[int, ...], tuple[int, ...]]] = [
    *((lambda n=n, w=w: class_loss(n, LossConfig(), 3, w), (4, 3), (4, 3))
      for n in ("ce", "focal") for w in (None, WEIGHTS)),
    (lambda: class_loss("bce", LossConfig(), 2, WEIGHTS[:2]), (4, 1), (4, 2)),
    *((lambda n=n: label_loss(n, LossConfig(), WEIGHTS), (4, 3), (4, 3))
      for n in ("bce", "focal", "asymmetric")),
    (lambda: mask_loss("bce_dice", LossConfig(), False, WEIGHTS), (2, 3, 8, 8), (2, 3, 8, 8)),
    (lambda: mask_loss("ce_dice", LossConfig(), True, WEIGHTS), (2, 3, 8, 8), (2, 3, 8, 8)),
]  # fmt: skip


@pytest.mark.parametrize(("make", "raw", "target"), LOSSES)
def test_after_the_first_step_a_loss_copies_nothing_and_waits_for_nothing(
    make: Callable[[], Any], raw: tuple[int, ...], target: tuple[int, ...]
) -> None:
    """On a device of shapes without memory, where every wait would be an error."""
    loss = make()
    raws, targets = torch.empty(raw, device=META), torch.empty(target, device=META)
    loss(raws, targets)
    with FromCpu() as counted:
        loss(raws, targets)
    assert counted.found == []


def test_a_copy_is_made_once_for_each_device() -> None:
    constant = OnDevice(WEIGHTS)
    assert constant.on(torch.device("cpu")) is WEIGHTS
    assert constant.on(META) is constant.on(META)
