"""The loss of samples with weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from comp.config.sections import LossConfig
from comp.contract.sample import Sample
from comp.contract.task import Task
from comp.errors import ConfigError
from comp.tasks.binary import binary
from comp.tasks.image_to_image import image_to_image
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression
from comp.tasks.segmentation import segmentation
from comp.training.weighted_loss import weighted_loss

NUMBERS = torch.tensor([[0.0], [1.0], [2.0], [1.0]])
WEIGHTS = torch.tensor([0.5, 1.5, 0.25, 1.75])


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Random outputs may by chance have nearly the same loss in both ways."""
    torch.manual_seed(0)


def test_it_is_the_mean_of_weight_times_loss_and_so_is_its_gradient() -> None:
    raw = torch.randn(4, 3, requires_grad=True)
    target = torch.randn(4, 3)
    value = weighted_loss(F.mse_loss, raw, target, WEIGHTS)
    by_hand = (WEIGHTS * (raw - target).square().mean(dim=1)).sum() / 4
    assert value.item() == pytest.approx(by_hand.item())
    grads = [torch.autograd.grad(v, raw, retain_graph=True)[0] for v in (value, by_hand)]
    assert torch.allclose(*grads)


def test_a_batch_of_one_sample_keeps_its_weight() -> None:
    """Divided by the sum of the weights of the batch, all samples would count the same."""
    raw, target = torch.zeros(1, 1), torch.ones(1, 1)
    assert weighted_loss(F.mse_loss, raw, target, torch.tensor([9.0])).item() == 9.0


def cases() -> list[Any]:
    """Each loss of each task, with targets."""
    soft = torch.softmax(torch.randn(4, 3), dim=1)
    masks = (torch.rand(4, 2, 5, 5) > 0.5).float()
    one_hot = torch.stack([masks[:, 0], 1 - masks[:, 0]], dim=1)
    tasks: list[tuple[Task, Tensor]] = [
        (binary(("a", "b")), torch.eye(2)[[0, 1, 1, 0]]),
        (multiclass(("a", "b", "c")), soft),
        (multilabel(("a", "b")), torch.tensor([[0.0, 1], [1, 1], [0, 0], [1, 0]])),
        (ordinal(3), NUMBERS),
        (regression(("x",)), NUMBERS),
        (segmentation(("a", "b")), masks),
        (segmentation(("a", "b"), exclusive=True), one_hot),
        (image_to_image(), torch.rand(4, 1, 5, 5)),
    ]
    return [
        pytest.param(task, name, target, id=f"{task.kind}-{name}")
        for task, target in tasks
        for name in task.losses
        if name not in ("corn", "arcface")
    ]


@pytest.mark.parametrize(("task", "name", "target"), cases())
def test_the_losses_of_all_tasks_but_corn_can_be_weighted(
    task: Task, name: str, target: Tensor
) -> None:
    train = [Sample(id=str(i), image=None, target=float(i % 3)) for i in range(6)]  # type: ignore[arg-type]
    loss = task.make_loss(name, LossConfig(), train)
    outputs = task.head_outputs(name) if task.head_outputs else task.outputs
    raw = torch.randn(4, outputs, *target.shape[2:])
    same = weighted_loss(loss, raw, target, torch.ones(4))
    assert same.item() == pytest.approx(loss(raw, target).item(), rel=1e-4)
    assert weighted_loss(loss, raw, target, WEIGHTS).item() != pytest.approx(same.item())


def test_a_loss_that_divides_by_the_class_weights_of_the_batch_is_refused() -> None:
    """Of one sample, its class weight cancels."""
    weight, classes = torch.tensor([1.0, 5.0, 1.0]), torch.tensor([0, 1, 2, 1])

    def loss(raw: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(raw, target, weight=weight)

    with pytest.raises(ConfigError, match="the loss is not the mean of the losses of its samples"):
        weighted_loss(loss, torch.randn(4, 3), classes, WEIGHTS)


def test_corn_is_refused() -> None:
    loss = ordinal(3).make_loss("corn", LossConfig(), [])
    with pytest.raises(ConfigError, match="is not the mean"):
        weighted_loss(loss, torch.randn(4, 2), NUMBERS, WEIGHTS)


def test_a_loss_that_does_not_take_one_sample_is_refused() -> None:
    def loss(raw: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(raw, target.squeeze())

    with pytest.raises(ConfigError, match="does not take a batch of one sample"):
        weighted_loss(loss, torch.randn(4, 3), NUMBERS.long(), WEIGHTS)


def test_a_loss_that_is_not_finite_is_left_to_the_training() -> None:
    raw = torch.tensor([[float("nan")], [0.0]])
    value = weighted_loss(F.mse_loss, raw, torch.ones(2, 1), torch.ones(2))
    assert torch.isnan(value)


def test_the_device_is_waited_for_once_and_the_bytes_are_those_of_single_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw, target = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3)
    alone = [F.l1_loss(raw[i : i + 1], target[i : i + 1]) for i in range(4)]
    by_hand = (torch.stack(alone) * WEIGHTS).mean()
    waits: list[str] = []
    for name in ("__float__", "__bool__", "item", "tolist"):
        real = getattr(Tensor, name)
        monkeypatch.setattr(
            Tensor, name, lambda self, real=real, name=name: (waits.append(name), real(self))[1]
        )
    value = weighted_loss(F.l1_loss, raw, target, WEIGHTS)
    assert waits == ["tolist"]
    monkeypatch.undo()
    grads = [torch.autograd.grad(v, raw)[0].numpy().tobytes() for v in (value, by_hand)]
    assert value.detach().numpy().tobytes() == by_hand.detach().numpy().tobytes()
    assert grads[0] == grads[1]
