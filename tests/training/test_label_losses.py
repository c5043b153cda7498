"""Losses of several labels, against numpy, torch, torchvision and timm."""

from __future__ import annotations

import pickle
from typing import Any, get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from timm.loss import AsymmetricLossMultiLabel
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from comp.config.sections import LossConfig, LossName
from comp.contract.task import Loss
from comp.errors import ConfigError
from comp.training.label_losses import LABEL_LOSSES, label_loss, positive_weights

RAW = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 0.0, 1.0]])
HARD = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
SOFT = torch.tensor([[0.9, 0.2, 0.0], [0.5, 1.0, 0.7]])
WEIGHTS = torch.tensor([1.0, 3.0, 0.5])
NAMES = pytest.mark.parametrize("name", LABEL_LOSSES)


def loss_of(name: str, weights: Tensor | None = None, **settings: Any) -> Loss:
    return label_loss(name, LossConfig(**settings), weights)


def expected(name: str, target: Tensor, weights: Tensor, settings: LossConfig) -> float:
    raw, y, w = (tensor.numpy().astype(np.float64) for tensor in (RAW, target, weights))
    p = 1 / (1 + np.exp(-raw))
    positive, negative = -w * y * np.log(p), -(1 - y) * np.log(1 - p)
    if name == "bce":
        return float((positive + negative).mean())
    if name == "focal":
        return float((np.abs(y - p) ** settings.gamma * (positive + negative)).mean())
    q = np.maximum(p - settings.clip, 0)
    negative = -(1 - y) * q**settings.gamma_negative * np.log(1 - q)
    return float(((1 - p) ** settings.gamma_positive * positive + negative).mean())


@NAMES
@pytest.mark.parametrize("target", [HARD, SOFT], ids=["hard", "soft"])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("clip", [0.0, 0.1])
def test_a_loss_is_that_of_numpy(
    name: str, target: Tensor, weights: Tensor | None, clip: float
) -> None:
    settings = LossConfig(gamma=1.5, gamma_positive=0.5, gamma_negative=3.0, clip=clip)
    found = label_loss(name, settings, weights)(RAW, target)
    factors = torch.ones(3) if weights is None else weights
    assert found.item() == pytest.approx(expected(name, target, factors, settings), rel=1e-5)


def test_bce_is_torchs_to_the_last_bit() -> None:
    assert torch.equal(loss_of("bce")(RAW, SOFT), F.binary_cross_entropy_with_logits(RAW, SOFT))


def test_the_focal_loss_is_torchvisions() -> None:
    expected = sigmoid_focal_loss(RAW, HARD, alpha=-1, gamma=2, reduction="mean")
    assert loss_of("focal")(RAW, HARD).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_asymmetric_loss_is_timms_over_the_number_of_labels() -> None:
    """timm adds the labels of a sample up."""
    timms = AsymmetricLossMultiLabel(gamma_neg=4, gamma_pos=1, clip=0.05)(RAW[:1], HARD[:1])
    found = loss_of("asymmetric", gamma_positive=1.0)(RAW[:1], HARD[:1])
    assert found.item() == pytest.approx(timms.item() / 3, rel=1e-5)


def test_the_asymmetric_loss_without_settings_is_bce() -> None:
    found = loss_of("asymmetric", gamma_positive=0.0, gamma_negative=0.0, clip=0.0)(RAW, SOFT)
    assert found.item() == pytest.approx(loss_of("bce")(RAW, SOFT).item(), rel=1e-6)


def test_a_label_that_is_surely_absent_costs_nothing_with_a_clip() -> None:
    raw = torch.tensor([[-3.0]], requires_grad=True)  # p = 0.047
    value = loss_of("asymmetric", clip=0.05)(raw, torch.zeros(1, 1))
    value.backward()
    assert value.item() == 0
    assert raw.grad is not None
    assert raw.grad.item() == 0


@NAMES
@pytest.mark.parametrize("settings", [{}, {"clip": 0.0}, {"gamma": 0.3, "gamma_negative": 0.3}])
@pytest.mark.parametrize("size", [30.0, 200.0])
def test_a_certain_network_that_is_wrong_has_a_finite_gradient(
    name: str, settings: dict[str, Any], size: float
) -> None:
    raw = torch.tensor([[-size, -size, size, size]], requires_grad=True)
    value = loss_of(name, **settings)(raw, torch.tensor([[1.0, 0.0, 1.0, 0.0]]))
    value.backward()
    assert value.isfinite()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert raw.grad[0, 0] < 0
    if name != "asymmetric" or settings == {"clip": 0.0}:
        assert raw.grad[0, 3] > 0


@NAMES
@pytest.mark.parametrize("shape", [(2, 1), (2,), (1, 3), (3,)])
def test_other_shapes_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3\)") as caught:
        loss_of(name)(RAW, torch.ones(shape))
    assert str(shape) in str(caught.value)


@NAMES
def test_every_label_has_one_weight(name: str) -> None:
    with pytest.raises(ValueError, match="one weight per label"):
        loss_of(name, torch.ones(1))(RAW, HARD)


def test_a_name_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="'ce' is not a loss of several labels"):
        loss_of("ce")


@NAMES
def test_the_loss_of_bf16_outputs_is_float32(name: str) -> None:
    raw = RAW.to(torch.bfloat16).requires_grad_()
    value = loss_of(name, WEIGHTS)(raw, SOFT)
    value.backward()
    assert value.dtype == torch.float32
    assert torch.equal(value, loss_of(name, WEIGHTS)(raw.detach().float(), SOFT))
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert (raw.grad != 0).all()


@NAMES
def test_a_loss_can_be_pickled_and_configured(name: str) -> None:
    assert name in get_args(LossName)
    loss = loss_of(name, WEIGHTS)
    assert pickle.loads(pickle.dumps(loss))(RAW, SOFT) == loss(RAW, SOFT)  # noqa: S301


def test_positive_weights_are_worked_out_by_hand() -> None:
    targets = np.array([[1, 0], [0, 1], [0, 1], [0, 1]])
    found = positive_weights(targets, ["a", "b"])
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx([3, 1 / 3])


def test_with_positive_weights_both_sides_of_a_label_count_the_same() -> None:
    targets = np.array([[1.0], [0.0], [0.0], [0.0]])
    raw = torch.zeros(4, 1, requires_grad=True)
    loss_of("bce", positive_weights(targets, ["a"]))(raw, torch.tensor(targets)).backward()
    assert raw.grad is not None
    assert raw.grad.sum().item() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(
    ("value", "problem"),
    [(0.0, "no training sample of label 'b'"), (1.0, "no training sample without label 'b'")],
)
def test_positive_weights_need_samples_with_and_without_each_label(
    value: float, problem: str
) -> None:
    targets = np.array([[1.0, value], [0.0, value]])
    with pytest.raises(ConfigError, match=f"this fold has {problem}: set loss.weights=none"):
        positive_weights(targets, ["a", "b"])


@pytest.mark.parametrize("shape", [(4, 1), (4,), (4, 3)])
def test_positive_weights_need_one_column_per_label(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="the targets of 2 labels have the shape"):
        positive_weights(np.ones(shape), ["a", "b"])
