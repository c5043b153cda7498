"""One training batch, compared with the same step by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from comp.config.schema import RunConfig, resolve
from comp.config.sections import LossConfig
from comp.data.dataset import LOSS_WEIGHT
from comp.training.batch import batch_loss, train_batch
from comp.training.class_losses import class_loss, soft_shares
from comp.training.device import make_accelerator
from comp.training.mixing import unmixed
from comp.training.optim import make_optimizer

CPU = torch.device("cpu")


def config(**optim: Any) -> RunConfig:
    plain = {"name": "sgd", "momentum": 0.0, "lr": 0.5, "weight_decay": 0.0}
    return resolve("toy", [{"optim": plain | optim}])


def network() -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(1, 1, 3, padding=1)


def batches() -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(1)
    return [{"image": torch.rand(2, 1, 4, 4), "target": torch.rand(2, 1, 4, 4)} for _ in range(2)]


def trained(settings: RunConfig) -> tuple[nn.Module, list[float]]:
    """The network after both batches, and their losses."""
    accelerator = make_accelerator(CPU, "fp32", settings.optim.accumulate)
    model = network()
    model, optimizer = accelerator.prepare(model, make_optimizer(model, settings.optim))
    losses = []
    for batch in batches():
        loss = train_batch(
            model,
            optimizer,
            batch,
            config=settings,
            loss=F.mse_loss,
            mixer=unmixed,
            accelerator=accelerator,
        )
        losses.append(loss.item())
    return model, losses


def test_two_accumulated_batches_make_one_step_with_the_mean_gradient() -> None:
    model, losses = trained(config(accumulate=2))
    expected = network()
    values = [F.mse_loss(expected(batch["image"]), batch["target"]) for batch in batches()]
    (sum(values) / 2).backward()
    with torch.no_grad():
        expected.weight -= 0.5 * expected.weight.grad
    assert losses == pytest.approx([value.item() for value in values])
    assert torch.allclose(model.weight, expected.weight, atol=1e-6)


def test_the_accumulated_gradient_is_clipped() -> None:
    model, _ = trained(config(accumulate=2, lr=1.0, clip_norm=0.01))
    before = torch.cat([p.flatten() for p in network().parameters()])
    after = torch.cat([p.flatten() for p in model.parameters()])
    assert float((after - before).detach().norm()) == pytest.approx(0.01, rel=1e-3)


def test_the_loss_is_of_mixed_images_and_has_the_l1_penalty() -> None:
    model, (batch, _) = network(), batches()

    def mixer(image: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None) -> Any:
        return image.flip(0), target * 2, weight

    value = batch_loss(model, batch, config(l1=0.1), F.mse_loss, mixer)
    mixed = F.mse_loss(model(batch["image"].flip(0)), batch["target"] * 2)
    assert value.item() == pytest.approx((mixed + 0.1 * model.weight.abs().sum()).item())


def test_the_weights_of_the_samples_are_in_the_loss_and_not_in_the_network() -> None:
    model, (batch, _) = network(), batches()
    weights = torch.tensor([0.2, 1.8])
    value = batch_loss(model, batch | {LOSS_WEIGHT: weights}, config(), F.mse_loss, unmixed)
    losses = (model(batch["image"]) - batch["target"]).square().mean(dim=(1, 2, 3))
    assert value.item() == pytest.approx((weights * losses).mean().item())
    equal = batch_loss(model, batch, config(), F.mse_loss, unmixed)
    assert torch.equal(equal, F.mse_loss(model(batch["image"]), batch["target"]))


class Waits(TorchDispatchMode):
    """Counts the operations that wait for the device, because they read numbers from it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default):
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))


def classified(device: torch.device, precision: str) -> Callable[[], object]:
    """A function that trains a step of a classifier: clipped, weighted, mixed, accumulated."""
    settings = config(accumulate=2, clip_norm=1.0, l1=0.001)
    accelerator = make_accelerator(device, precision, 2)  # type: ignore[arg-type]
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 3)).to(device)
    model, optimizer = accelerator.prepare(model, make_optimizer(model, settings.optim))
    loss = class_loss("ce", LossConfig(), 3, torch.tensor([1.0, 2.0, 3.0]))
    image = torch.zeros(4, 3, 8, 8, dtype=torch.uint8, device=device)
    batch = {"image": image, "target": torch.zeros(4, 1, device=device)}

    def mixer(image: Any, target: Any, weight: Any = None) -> Any:
        return image, soft_shares(target, 0.1, 3), weight

    def step() -> None:
        for _ in range(2):
            train_batch(
                model,
                optimizer,
                batch,
                config=settings,
                loss=loss,
                mixer=mixer,
                accelerator=accelerator,
            )

    return step


def test_a_step_reads_no_number_from_the_device() -> None:
    step = classified(CPU, "fp32")
    step()
    with Waits() as waits:
        step()
    assert waits.found == []


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_does_not_wait_for_the_gpu(precision: str) -> None:
    step = classified(torch.device("cuda"), precision)
    step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
