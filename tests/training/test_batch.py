"""One training batch, compared with the same step by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from comp.config.schema import RunConfig, resolve
from comp.data.dataset import LOSS_WEIGHT
from comp.training.batch import batch_loss, train_batch
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
