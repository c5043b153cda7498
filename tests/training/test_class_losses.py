"""Losses of classes, against torch, torchvision and numbers worked out by hand."""

from __future__ import annotations

import math
import pickle
from typing import Any, get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from comp.config.sections import LossConfig, LossName
from comp.contract.task import Loss
from comp.errors import ConfigError
from comp.training.class_losses import (
    CLASS_LOSSES,
    balanced_weights,
    class_loss,
    outputs_of,
    probabilities,
    soft_shares,
)

RAW1 = torch.tensor([[2.0], [-1.0], [0.5], [-3.0]])
RAW2 = torch.tensor([[0.5, 2.0], [1.0, -1.0], [0.0, 0.5], [2.0, -3.0]])
RAW3 = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.0], [-1.0, 3.0, 0.0], [0.0, 0.0, 1.0]])
LABELS = {2: torch.tensor([[1.0], [0.0], [0.0], [1.0]]), 3: torch.tensor([[0.0], [2], [1], [2]])}
RAW = {("bce", 2): RAW1, ("focal", 2): RAW1, ("ce", 2): RAW2, ("ce", 3): RAW3, ("focal", 3): RAW3}
FITTING = pytest.mark.parametrize(("name", "classes"), list(RAW))


def loss_of(name: str, classes: int, weights: Tensor | None = None, **settings: Any) -> Loss:
    return class_loss(name, LossConfig(**settings), classes, weights)


def shares(classes: int, smoothing: float = 0.0) -> Tensor:
    return soft_shares(LABELS[classes], smoothing, classes)


def test_bce_is_torchs_to_the_last_bit() -> None:
    expected = F.binary_cross_entropy_with_logits(RAW1, LABELS[2])
    assert torch.equal(loss_of("bce", 2)(RAW1, shares(2)), expected)


@pytest.mark.parametrize("classes", [2, 3])
def test_ce_is_torchs(classes: int) -> None:
    raw = RAW["ce", classes]
    found = loss_of("ce", classes)(raw, shares(classes))
    expected = F.cross_entropy(raw, LABELS[classes].long().squeeze(1))
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_focal_loss_of_two_classes_is_torchvisions(gamma: float) -> None:
    found = loss_of("focal", 2, gamma=gamma)(RAW1, shares(2))
    expected = sigmoid_focal_loss(RAW1, LABELS[2], alpha=-1, gamma=gamma, reduction="mean")
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_focal_loss_of_three_classes_is_that_of_numpy() -> None:
    raw, target = RAW3.numpy().astype(np.float64), shares(3, 0.3).numpy()
    p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    expected = -(target * (1 - p) ** 1.5 * np.log(p)).sum(axis=1).mean()
    found = loss_of("focal", 3, gamma=1.5)(RAW3, shares(3, 0.3))
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_the_focal_loss_of_two_classes_in_two_columns_is_that_of_one() -> None:
    three = torch.cat([torch.zeros_like(RAW1), RAW1, torch.full_like(RAW1, -1e9)], dim=1)
    target = torch.cat([shares(2), torch.zeros(4, 1)], dim=1)
    one = loss_of("focal", 2)(RAW1, shares(2))
    assert loss_of("focal", 3)(three, target).item() == pytest.approx(one.item())


@pytest.mark.parametrize("classes", [2, 3])
def test_a_focal_loss_without_gamma_is_the_cross_entropy(classes: int) -> None:
    raw, target = RAW["focal", classes], shares(classes, 0.1)
    found = loss_of("focal", classes, gamma=0.0)(raw, target)
    plain = loss_of("bce" if classes == 2 else "ce", classes)(raw, target)
    assert found.item() == pytest.approx(plain.item(), rel=1e-6)


def test_the_focal_loss_counts_easy_samples_less() -> None:
    focal, plain = loss_of("focal", 2), loss_of("bce", 2)
    easy, hard, one = torch.tensor([[4.0]]), torch.tensor([[-4.0]]), torch.tensor([[0.0, 1.0]])
    assert focal(easy, one) / plain(easy, one) < 0.001
    assert focal(hard, one) / plain(hard, one) > 0.95


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_focal_loss_has_a_gradient_where_the_network_is_certain(
    classes: int, gamma: float
) -> None:
    raw = torch.zeros(2, outputs_of(classes, "focal"))
    raw[0, -1], raw[1, -1] = 200.0, -200.0
    raw.requires_grad_()
    target = torch.eye(classes)[-1].repeat(2, 1)
    value = loss_of("focal", classes, gamma=gamma)(raw, target)
    value.backward()
    assert math.isfinite(value.item())
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert raw.grad[1, -1] < 0


@pytest.mark.parametrize("classes", [2, 3])
def test_cross_entropy_is_linear_in_the_shares(classes: int) -> None:
    raw = RAW["focal", classes]
    first, last = torch.eye(classes)[0].repeat(4, 1), torch.eye(classes)[-1].repeat(4, 1)
    loss = loss_of("bce" if classes == 2 else "ce", classes)
    mixed = loss(raw, 0.3 * first + 0.7 * last)
    assert mixed.item() == pytest.approx(
        (0.3 * loss(raw, first) + 0.7 * loss(raw, last)).item(), rel=1e-5
    )


def test_smoothing_is_that_of_torch() -> None:
    found = loss_of("ce", 3)(RAW3, shares(3, 0.2))
    expected = F.cross_entropy(RAW3, LABELS[3].long().squeeze(1), label_smoothing=0.2)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    binary = loss_of("bce", 2)(RAW1, shares(2, 0.2))
    smooth = F.binary_cross_entropy_with_logits(RAW1, LABELS[2] * 0.8 + 0.1)
    assert binary.item() == pytest.approx(smooth.item(), rel=1e-6)


def test_a_class_index_becomes_shares_that_sum_to_one() -> None:
    found = soft_shares(torch.tensor([[1.0], [0.0]]), 0.2, 2)
    assert (found.shape, found.dtype) == ((2, 2), torch.float32)
    assert found.flatten().tolist() == pytest.approx([0.1, 0.9, 0.9, 0.1])


@pytest.mark.parametrize("shape", [(3, 2), (3,), (3, 1, 1), (2, 3), (3, 0)])
def test_only_one_index_per_sample_becomes_shares(shape: tuple[int, ...]) -> None:
    """(N, K) was once taken for shares of a mixture, whatever it was."""
    with pytest.raises(ValueError, match=r"shape \(N, 1\), but the targets have \(") as caught:
        soft_shares(torch.zeros(shape), 0.0, 2)
    assert str(shape) in str(caught.value)


@FITTING
@pytest.mark.parametrize("problem", ["indices", "columns", "samples", "flat", "outputs"])
def test_other_shapes_are_refused_with_both(name: str, classes: int, problem: str) -> None:
    raw, target = RAW[name, classes], shares(classes)
    raw, target = {
        "indices": (raw, LABELS[classes]),
        "columns": (raw, torch.zeros(4, classes + 1)),
        "samples": (raw, target[:1]),
        "flat": (raw[:, 0], target),
        "outputs": (torch.zeros(4, 4), target),
    }[problem]
    with pytest.raises(ValueError, match=f"a loss of {classes} classes takes") as caught:
        loss_of(name, classes)(raw, target)
    assert str(tuple(raw.shape)) in str(caught.value)
    assert str(tuple(target.shape)) in str(caught.value)


@pytest.mark.parametrize(("name", "classes"), [("bce", 3), ("mse", 2), ("own", 2)])
def test_a_name_that_does_not_fit_is_refused(name: str, classes: int) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is not a loss of {classes} classes"):
        loss_of(name, classes)


@FITTING
def test_balanced_weights_make_every_class_count_the_same(name: str, classes: int) -> None:
    """In one batch with the counts of the data the weighted loss is the mean over the classes."""
    labels = [0, 1, 1, 1] if classes == 2 else [0, 1, 2, 2]
    names = ["a", "b", "c"][:classes]
    raw, target = RAW[name, classes], F.one_hot(torch.tensor(labels), classes).float()
    found = loss_of(name, classes, balanced_weights(labels, names))(raw, target)
    rows = [target[:, k] == 1 for k in range(classes)]
    each = [loss_of(name, classes)(raw[row], target[row]) for row in rows]
    assert found.item() == pytest.approx(torch.stack(each).mean().item(), rel=1e-5)


def test_balanced_weights_are_worked_out_by_hand() -> None:
    found = balanced_weights([0, 1, 1, 1], ["a", "b"])
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx([4 / (2 * 1), 4 / (2 * 3)])


def test_balanced_weights_need_every_class() -> None:
    with pytest.raises(ConfigError, match="this fold has no training sample of class 'b'"):
        balanced_weights([0, 0, 2], ["a", "b", "c"])


def test_a_label_outside_the_classes_has_no_weight() -> None:
    with pytest.raises(ValueError, match="label 2 is not one of the 2 classes"):
        balanced_weights([0, 1, 2], ["a", "b"])


@pytest.mark.parametrize(
    ("classes", "name", "count"),
    [
        (2, "own", 1),
        (2, "bce", 1),
        (2, "focal", 1),
        (2, "ce", 2),
        (5, "own", 5),
        (5, "ce", 5),
        (5, "arcface", 5),
    ],
)
def test_a_network_has_as_many_outputs_as_its_loss_needs(
    classes: int, name: str, count: int
) -> None:
    assert outputs_of(classes, name) == count


def test_probabilities_of_one_output_and_of_two_are_of_the_second_class() -> None:
    one = probabilities(torch.tensor([[0.0], [2.0]]), 2)
    assert one.flatten().tolist() == pytest.approx([0.5, 1 / (1 + math.exp(-2))])
    two = probabilities(torch.tensor([[1.0, 1.0], [3.0, 5.0]]), 2)
    assert two.shape == (2, 1)
    assert two.flatten().tolist() == pytest.approx(one.flatten().tolist())


def test_probabilities_of_many_classes_sum_to_one() -> None:
    found = probabilities(RAW3.to(torch.bfloat16), 3)
    assert (found.shape, found.dtype) == ((4, 3), torch.float32)
    assert found.sum(dim=1).tolist() == pytest.approx([1] * 4)
    assert torch.equal(found.argmax(dim=1), RAW3.argmax(dim=1))


@pytest.mark.parametrize(("columns", "classes"), [(3, 2), (1, 3), (2, 3)])
def test_outputs_that_do_not_fit_the_classes_have_no_probabilities(
    columns: int, classes: int
) -> None:
    with pytest.raises(ValueError, match=rf"\(4, {columns}\) for {classes} classes"):
        probabilities(torch.zeros(4, columns), classes)


@FITTING
def test_the_loss_of_bf16_outputs_is_float32(name: str, classes: int) -> None:
    raw = RAW[name, classes].to(torch.bfloat16).requires_grad_()
    value = loss_of(name, classes)(raw, shares(classes))
    value.backward()
    exact = loss_of(name, classes)(raw.detach().float(), shares(classes))
    assert value.dtype == torch.float32
    assert torch.equal(value, exact)
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert (raw.grad != 0).all()


@FITTING
def test_a_loss_can_be_pickled_and_configured(name: str, classes: int) -> None:
    assert set(CLASS_LOSSES) <= set(get_args(LossName))
    loss = loss_of(name, classes, torch.arange(1.0, classes + 1))
    raw, target = RAW[name, classes], shares(classes)
    assert pickle.loads(pickle.dumps(loss))(raw, target) == loss(raw, target)  # noqa: S301
