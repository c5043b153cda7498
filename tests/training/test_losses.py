"""Losses by name, against torch, torchvision and numbers worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss
from toys import toy

from comp.config.schema import RunConfig
from comp.config.sections import LossConfig
from comp.contract.sample import Sample
from comp.contract.task import Loss
from comp.errors import ConfigError
from comp.training.class_losses import outputs_of, soft_shares
from comp.training.losses import make_loss

TWO, THREE = ("normal", "ill"), ("a", "b", "c")
RAW1 = torch.tensor([[2.0], [-1.0], [0.5], [-3.0]])
RAW2 = torch.tensor([[0.5, 2.0], [1.0, -1.0], [0.0, 0.5], [2.0, -3.0]])
RAW3 = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.0], [-1.0, 3.0, 0.0], [0.0, 0.0, 1.0]])
LABELS2 = torch.tensor([[1.0], [0.0], [0.0], [1.0]])
LABELS3 = torch.tensor([[0.0], [2.0], [1.0], [2.0]])
RAW = {("bce", 2): RAW1, ("focal", 2): RAW1, ("ce", 2): RAW2, ("ce", 3): RAW3, ("focal", 3): RAW3}


def samples(*counts: int) -> list[Sample]:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    return [
        Sample(id=str(i), image=Path("x.png"), target=float(label))
        for i, label in enumerate(labels)
    ]


def loss_of(classes: tuple[str, ...], *counts: int, **settings: Any) -> Loss:
    """The loss of indices (N, 1), which are softened as in training, or of shares (N, K)."""
    config = RunConfig(competition="toy", loss=LossConfig(**settings))
    competition = toy(classes=classes) if classes else toy()
    loss = make_loss(competition, config, samples(*(counts or [1] * len(classes))))
    count, smoothing = len(classes), config.loss.smoothing

    def softened(raw: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        indices = classes and target.shape[1] == 1
        return loss(raw, soft_shares(target, smoothing, count) if indices else target)

    return softened


def test_two_classes_get_binary_cross_entropy() -> None:
    found = loss_of(TWO)(RAW1, LABELS2)
    assert found.item() == pytest.approx(
        F.binary_cross_entropy_with_logits(RAW1, LABELS2).item(), rel=1e-6
    )


def test_more_classes_get_cross_entropy() -> None:
    found = loss_of(THREE)(RAW3, LABELS3)
    expected = F.cross_entropy(RAW3, LABELS3.long().squeeze(1))
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


def test_no_classes_get_the_mean_squared_error() -> None:
    assert loss_of(())(RAW3, RAW3 + 2).item() == pytest.approx(4)


def test_the_own_loss_of_a_competition_is_the_very_function() -> None:
    competition, config = toy(loss=F.smooth_l1_loss), RunConfig(competition="toy")
    assert make_loss(competition, config, []) is F.smooth_l1_loss
    named = config.model_copy(update={"loss": LossConfig(name="mae")})
    assert make_loss(competition, named, [])(RAW1, RAW1 + 3).item() == pytest.approx(3)


def test_two_classes_with_cross_entropy_have_two_outputs() -> None:
    found = loss_of(TWO, name="ce")(RAW2, LABELS2)
    expected = F.cross_entropy(RAW2, LABELS2.long().squeeze(1))
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_focal_loss_of_two_classes_is_torchvisions(gamma: float) -> None:
    found = loss_of(TWO, name="focal", gamma=gamma)(RAW1, LABELS2)
    expected = sigmoid_focal_loss(RAW1, LABELS2, alpha=-1, gamma=gamma, reduction="mean")
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_focal_loss_of_two_classes_in_two_columns_is_that_of_one() -> None:
    both = torch.cat([torch.zeros_like(RAW1), RAW1], dim=1)
    three = torch.cat([both, torch.full_like(RAW1, -1e9)], dim=1)
    one = loss_of(TWO, name="focal")(RAW1, LABELS2)
    assert loss_of(THREE, name="focal")(three, LABELS2).item() == pytest.approx(one.item())


@pytest.mark.parametrize(("name", "classes"), [("bce", TWO), ("focal", TWO), ("focal", THREE)])
def test_a_focal_loss_without_gamma_is_the_cross_entropy(
    name: str, classes: tuple[str, ...]
) -> None:
    raw, labels = RAW[name, len(classes)], LABELS2 if classes == TWO else LABELS3
    found = loss_of(classes, name="focal", gamma=0.0, smoothing=0.1)(raw, labels)
    plain = loss_of(classes, smoothing=0.1)(raw, labels)
    assert found.item() == pytest.approx(plain.item(), rel=1e-6)


def test_the_focal_loss_counts_easy_samples_less() -> None:
    focal, plain = loss_of(TWO, name="focal"), loss_of(TWO)
    easy, hard = torch.tensor([[4.0]]), torch.tensor([[-4.0]])
    one = torch.ones(1, 1)
    assert focal(easy, one) / plain(easy, one) < 0.001
    assert focal(hard, one) / plain(hard, one) > 0.95


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("classes", [TWO, THREE])
def test_the_focal_loss_has_a_gradient_where_the_network_is_certain(
    classes: tuple[str, ...], gamma: float
) -> None:
    columns = outputs_of(len(classes), "focal")
    raw = torch.zeros(2, columns)
    raw[0, -1], raw[1, -1] = 200.0, -200.0
    raw.requires_grad_()
    last = float(len(classes) - 1)
    value = loss_of(classes, name="focal", gamma=gamma)(raw, torch.full((2, 1), last))
    value.backward()
    assert math.isfinite(value.item())
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert raw.grad[1, -1] < 0


@pytest.mark.parametrize(("name", "classes"), list(RAW))
def test_shares_of_one_are_the_classes_themselves(name: Any, classes: int) -> None:
    names, labels = (TWO, LABELS2) if classes == 2 else (THREE, LABELS3)
    loss, raw = loss_of(names, name=name), RAW[name, classes]
    hot = F.one_hot(labels.long().squeeze(1), classes).float()
    assert loss(raw, hot).item() == pytest.approx(loss(raw, labels).item(), rel=1e-6)


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_cross_entropy_is_linear_in_mixed_targets(classes: tuple[str, ...]) -> None:
    raw, k = (RAW1 if classes == TWO else RAW3), len(classes)
    first, last = torch.eye(k)[0].repeat(4, 1), torch.eye(k)[-1].repeat(4, 1)
    loss = loss_of(classes)
    mixed = loss(raw, 0.3 * first + 0.7 * last)
    assert mixed.item() == pytest.approx(
        (0.3 * loss(raw, first) + 0.7 * loss(raw, last)).item(), rel=1e-5
    )


def test_smoothing_is_that_of_torch() -> None:
    found = loss_of(THREE, smoothing=0.2)(RAW3, LABELS3)
    expected = F.cross_entropy(RAW3, LABELS3.long().squeeze(1), label_smoothing=0.2)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    binary = loss_of(TWO, smoothing=0.2)(RAW1, LABELS2)
    smooth = F.binary_cross_entropy_with_logits(RAW1, LABELS2 * 0.8 + 0.1)
    assert binary.item() == pytest.approx(smooth.item(), rel=1e-6)


@pytest.mark.parametrize(("name", "classes"), list(RAW))
def test_balanced_weights_make_every_class_count_the_same(name: Any, classes: int) -> None:
    """In one batch with the counts of the data the weighted loss is the mean over the classes."""
    names = TWO if classes == 2 else THREE
    counts = (1, 3) if classes == 2 else (1, 1, 2)
    labels = torch.tensor([[s.target] for s in samples(*counts)])
    raw = RAW[name, classes]
    found = loss_of(names, *counts, name=name, weights="balanced")(raw, labels)
    plain = loss_of(names, *counts, name=name)
    each = [
        plain(raw[labels.squeeze(1) == k], labels[labels.squeeze(1) == k]) for k in range(classes)
    ]
    assert found.item() == pytest.approx(torch.stack(each).mean().item(), rel=1e-5)


def test_balanced_weights_need_every_class() -> None:
    with pytest.raises(ConfigError, match="this fold has no training sample of class 'b'"):
        loss_of(THREE, 2, 0, 3, weights="balanced")


@pytest.mark.parametrize(
    ("classes", "name", "fitting"),
    [
        (THREE, "bce", "3 classes.*use ce, focal"),
        (TWO, "mse", "two classes: use bce, ce, focal"),
        ((), "focal", "images to images: use mse, mae, huber, smooth_l1, charbonnier"),
    ],
)
def test_a_loss_that_does_not_fit_is_refused_with_those_that_do(
    classes: tuple[str, ...], name: str, fitting: str
) -> None:
    with pytest.raises(ConfigError, match=f"loss.name = '{name}' does not fit toy, .*{fitting}"):
        loss_of(classes, name=name)


@pytest.mark.parametrize("settings", [{"smoothing": 0.1}, {"weights": "balanced"}])
def test_settings_that_a_loss_would_not_heed_are_refused(settings: dict[str, Any]) -> None:
    key = next(iter(settings))
    competition = toy(loss=F.mse_loss)
    config = RunConfig(competition="toy", loss=LossConfig(**settings))
    with pytest.raises(ConfigError, match=rf"own loss does not support loss\.{key}"):
        make_loss(competition, config, [])
    with pytest.raises(ConfigError, match=rf"'mae' does not support loss\.{key}"):
        loss_of((), name="mae", **settings)


def test_huber_is_square_below_delta_and_straight_above() -> None:
    loss = loss_of((), name="huber", delta=0.5)
    zero = torch.zeros(1)
    assert loss(torch.tensor([0.2]), zero).item() == pytest.approx(0.02)
    assert loss(torch.tensor([2.0]), zero).item() == pytest.approx(0.5 * (2 - 0.25))


def test_charbonnier_is_round_at_nothing_and_straight_far_away() -> None:
    loss = loss_of((), name="charbonnier", delta=3.0)
    assert loss(torch.tensor([4.0]), torch.zeros(1)).item() == pytest.approx(5.0)
    assert loss(torch.tensor([1e4]), torch.zeros(1)).item() == pytest.approx(1e4, rel=1e-6)
    assert loss(torch.zeros(1), torch.zeros(1)).item() == pytest.approx(3.0)
