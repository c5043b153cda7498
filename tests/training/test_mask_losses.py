"""Losses of masks, against numpy and the definition of each loss."""

from __future__ import annotations

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
from comp.training.mask_losses import (
    EXCLUSIVE_MASK_LOSSES,
    INDEPENDENT_MASK_LOSSES,
    mask_loss,
)

GENERATOR = torch.Generator().manual_seed(3)
RAW = torch.randn(2, 3, 4, 5, generator=GENERATOR) * 2
HOT = F.one_hot(torch.randint(3, (2, 4, 5), generator=GENERATOR), 3).permute(0, 3, 1, 2).float()
MASKS = (torch.rand(2, 3, 4, 5, generator=GENERATOR) > 0.6).float()
WEIGHTS = torch.tensor([1.0, 3.0, 0.5])
ALL = [(name, False) for name in INDEPENDENT_MASK_LOSSES]
ALL += [(name, True) for name in EXCLUSIVE_MASK_LOSSES]
EVERY = pytest.mark.parametrize(("name", "exclusive"), ALL)
BOTH = pytest.mark.parametrize("exclusive", [False, True])


def loss_of(name: str, exclusive: bool, weights: Tensor | None = None, **settings: Any) -> Loss:
    return mask_loss(name, LossConfig(**settings), exclusive, weights)


def target_of(exclusive: bool) -> Tensor:
    return HOT if exclusive else MASKS


def chances_of(exclusive: bool) -> np.ndarray:
    raw = RAW.numpy().astype(np.float64)
    if exclusive:
        powers = np.exp(raw)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    return np.asarray(1 / (1 + np.exp(-raw)))


def jaccard_loss(wrong: set[int], mask: np.ndarray) -> float:
    """1 - IoU of the mask with the prediction that is wrong at some pixels."""
    prediction = np.array([bool(y) != (i in wrong) for i, y in enumerate(mask)])
    union = (prediction | (mask > 0)).sum()
    return float(1 - (prediction & (mask > 0)).sum() / union) if union else 0.0


def lovasz_extension(errors: np.ndarray, mask: np.ndarray) -> float:
    """Equation 8 of Berman et al., by sets of pixels: errors in falling order, each times what its
    pixel adds to the Jaccard loss."""
    value, wrong = 0.0, set[int]()
    for i in np.argsort(-errors):
        before = jaccard_loss(wrong, mask)
        wrong.add(int(i))
        value += errors[i] * (jaccard_loss(wrong, mask) - before)
    return value


def expected_lovasz(exclusive: bool) -> float:
    raw, chances = RAW.numpy().astype(np.float64), chances_of(exclusive)
    images = []
    for n in range(2):
        values = []
        for k in range(3):
            mask = target_of(exclusive)[n, k].numpy().ravel()
            if exclusive:
                errors = np.abs(mask - chances[n, k].ravel())
            else:
                errors = np.maximum(1 - raw[n, k].ravel() * (2 * mask - 1), 0)
            values.append(lovasz_extension(errors, mask))
        images.append(np.mean(values))
    return float(np.mean(images))


@BOTH
def test_lovasz_is_that_of_the_definition(exclusive: bool) -> None:
    found = loss_of("lovasz", exclusive)(RAW, target_of(exclusive))
    assert found.item() == pytest.approx(expected_lovasz(exclusive), rel=1e-5)


@BOTH
def test_dice_is_that_of_numpy_per_image_and_class(exclusive: bool) -> None:
    p, y = chances_of(exclusive), target_of(exclusive).numpy()
    overlap = 2 * (p * y).sum(axis=(2, 3)) + 1
    expected = (1 - overlap / (p.sum(axis=(2, 3)) + y.sum(axis=(2, 3)) + 1)).mean()
    found = loss_of("dice", exclusive)(RAW, target_of(exclusive))
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_tversky_weighs_wrong_and_missing_pixels() -> None:
    p, y = chances_of(False), MASKS.numpy()
    t = (p * y).sum(axis=(2, 3)) + 1
    wrong, missing = (p * (1 - y)).sum(axis=(2, 3)), ((1 - p) * y).sum(axis=(2, 3))
    expected = (1 - t / (t + 0.2 * wrong + 0.9 * missing)).mean()
    found = loss_of("tversky", False, alpha=0.2, beta=0.9)(RAW, MASKS)
    assert found.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_cross_entropies_are_torchs(weights: Tensor | None) -> None:
    positive = None if weights is None else weights.reshape(3, 1, 1)
    bce = F.binary_cross_entropy_with_logits(RAW, MASKS, pos_weight=positive)
    assert loss_of("bce", False, weights)(RAW, MASKS).item() == pytest.approx(bce.item(), rel=1e-6)
    each = F.cross_entropy(RAW, HOT.argmax(dim=1), reduction="none")
    if weights is not None:
        each = each * weights[HOT.argmax(dim=1)]
    found = loss_of("ce", True, weights)(RAW, HOT)
    assert found.item() == pytest.approx(each.mean().item(), rel=1e-6)


def test_the_focal_loss_is_torchvisions() -> None:
    expected = sigmoid_focal_loss(RAW, MASKS, alpha=-1, gamma=1.5, reduction="mean")
    found = loss_of("focal", False, gamma=1.5)(RAW, MASKS)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "exclusive"), [("bce_dice", False), ("bce_lovasz", False), ("ce_dice", True)]
)
def test_a_sum_shares_out_its_two_parts(name: str, exclusive: bool) -> None:
    target, (first, second) = target_of(exclusive), name.split("_")
    parts = [
        loss_of(first, exclusive, WEIGHTS)(RAW, target),
        loss_of(second, exclusive)(RAW, target),
    ]
    found = loss_of(name, exclusive, WEIGHTS, region_weight=0.3)(RAW, target)
    assert found.item() == pytest.approx((0.7 * parts[0] + 0.3 * parts[1]).item(), rel=1e-6)


@EVERY
def test_a_right_and_certain_network_has_a_loss_near_zero(name: str, exclusive: bool) -> None:
    target = target_of(exclusive)
    right, wrong = (2 * target - 1) * 30, (1 - 2 * target) * 30
    assert loss_of(name, exclusive)(right, target).item() == pytest.approx(0, abs=1e-5)
    assert loss_of(name, exclusive)(wrong, target).item() > 0.4


@EVERY
@pytest.mark.parametrize("kind", ["random", "zero", "certain"])
@pytest.mark.parametrize("mask", ["empty", "full", "usual"])
def test_gradients_are_finite_whatever_the_mask(
    name: str, exclusive: bool, kind: str, mask: str
) -> None:
    raw = {"random": RAW, "zero": torch.zeros_like(RAW), "certain": RAW.sign() * 60}[kind].clone()
    target = target_of(exclusive).clone()
    if mask != "usual":
        target[:, 0] = float(mask == "full")
        target[:, 1:] = float(exclusive and mask == "empty") / 2 if exclusive else target[:, :1]
    raw.requires_grad_()
    value = loss_of(name, exclusive)(raw, target)
    value.backward()
    assert value.isfinite()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert raw.grad.abs().max() <= 1
    if kind == "random":
        assert raw.grad.abs().max() > 0


@pytest.mark.parametrize("name", ["dice", "tversky", "lovasz"])
def test_an_empty_mask_needs_an_empty_prediction(name: str) -> None:
    raw = torch.full((1, 1, 4, 4), -0.5, requires_grad=True)
    loss_of(name, False)(raw, torch.zeros_like(raw)).backward()
    assert raw.grad is not None
    assert (raw.grad >= 0).all()
    assert raw.grad.sum() > 0


def test_lovasz_softmax_leaves_out_classes_that_an_image_lacks() -> None:
    target = torch.zeros(1, 3, 4, 5)
    target[:, 1] = 1
    errors = 1 - RAW[:1].softmax(dim=1)[0, 1].flatten()
    found = loss_of("lovasz", True)(RAW[:1], target)
    # With a full mask, each wrong pixel adds 1 / pixels to the Jaccard loss.
    assert found.item() == pytest.approx(errors.mean().item(), rel=1e-5)


def test_pixels_without_a_class_cost_nothing_in_cross_entropy() -> None:
    target = HOT.clone()
    target[:, :, 2:] = 0
    half = loss_of("ce", True)(RAW[:, :, :2], HOT[:, :, :2])
    assert loss_of("ce", True)(RAW, target).item() == pytest.approx(half.item() / 2, rel=1e-5)
    nothing = loss_of("lovasz", True)(RAW, torch.zeros_like(HOT))
    assert nothing.item() == 0


def test_lovasz_weights_of_a_large_mask_do_not_cancel() -> None:
    """A million pixels with the error 1 each: the sum of the weights is the Jaccard loss, 1."""
    mask = torch.zeros(1, 1, 1000, 1000)
    mask[..., :500] = 1
    found = loss_of("lovasz", False)(torch.zeros_like(mask), mask)
    assert found.item() == pytest.approx(1, rel=1e-4)
    raw = torch.zeros_like(mask, requires_grad=True)
    loss_of("lovasz", False)(raw, mask).backward()
    assert raw.grad is not None
    # The first pixel in the order of errors is one of the mask or not; both have weight 2e-6.
    assert raw.grad.abs().max().item() == pytest.approx(2e-6, rel=1e-2)


def test_lovasz_rounds_soft_masks() -> None:
    found = loss_of("lovasz", False)(RAW, MASKS * 0.6 + 0.2)
    assert found.item() == pytest.approx(loss_of("lovasz", False)(RAW, MASKS).item(), rel=1e-6)


@EVERY
def test_soft_targets_give_a_finite_loss(name: str, exclusive: bool) -> None:
    soft = target_of(exclusive) * 0.8 + 0.2 / 3
    raw = RAW.clone().requires_grad_()
    value = loss_of(name, exclusive)(raw, soft)
    value.backward()
    assert value.item() > 0
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


@EVERY
def test_one_image_at_a_time_has_the_same_mean(name: str, exclusive: bool) -> None:
    loss, target = loss_of(name, exclusive), target_of(exclusive)
    each = [loss(RAW[i : i + 1], target[i : i + 1]).item() for i in range(2)]
    assert loss(RAW, target).item() == pytest.approx(sum(each) / 2, rel=1e-5)


@EVERY
@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (2, 4, 5), (1, 3, 4, 5), (2, 3, 5, 4)])
def test_other_shapes_are_refused(name: str, exclusive: bool, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4, 5\)") as caught:
        loss_of(name, exclusive)(RAW, torch.ones(shape))
    assert str(shape) in str(caught.value)


@EVERY
def test_masks_have_four_dimensions(name: str, exclusive: bool) -> None:
    with pytest.raises(ValueError, match=r"\(N, K, H, W\).*found \(3, 4, 5\)"):
        loss_of(name, exclusive)(RAW[0], HOT[0])


@pytest.mark.parametrize("name", EXCLUSIVE_MASK_LOSSES)
def test_one_class_excludes_no_other(name: str) -> None:
    with pytest.raises(ValueError, match=r"K at least 2, found \(2, 1, 4, 5\)"):
        loss_of(name, True)(RAW[:, :1], HOT[:, :1])


@EVERY
def test_class_weights_are_refused_by_losses_of_regions(name: str, exclusive: bool) -> None:
    if name in ("dice", "lovasz", "tversky"):
        with pytest.raises(ConfigError, match=f"'{name}' does not support loss.weights"):
            mask_loss(name, LossConfig(weights="balanced"), exclusive, WEIGHTS)
        return
    target = target_of(exclusive)
    plain = loss_of(name, exclusive)(RAW, target)
    assert not torch.isclose(loss_of(name, exclusive, WEIGHTS)(RAW, target), plain)
    with pytest.raises(ValueError, match="one weight per class"):
        loss_of(name, exclusive, torch.ones(1))(RAW, target)


@pytest.mark.parametrize(
    ("name", "exclusive"), [("ce", False), ("bce", True), ("tversky", True), ("mse", False)]
)
def test_a_name_that_does_not_fit_is_refused(name: str, exclusive: bool) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is not a loss of masks"):
        loss_of(name, exclusive)


@EVERY
def test_bf16_outputs_are_computed_in_float32(name: str, exclusive: bool) -> None:
    raw, target = RAW.to(torch.bfloat16).requires_grad_(), target_of(exclusive)
    value = loss_of(name, exclusive)(raw, target)
    value.backward()
    assert value.dtype == torch.float32
    assert torch.equal(value, loss_of(name, exclusive)(raw.detach().float(), target))
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


@EVERY
def test_the_memory_format_does_not_matter(name: str, exclusive: bool) -> None:
    target = target_of(exclusive)
    last = RAW.contiguous(memory_format=torch.channels_last)
    found = loss_of(name, exclusive)(last, target)
    assert found.item() == pytest.approx(loss_of(name, exclusive)(RAW, target).item(), rel=1e-6)


@EVERY
def test_a_loss_can_be_pickled_and_configured(name: str, exclusive: bool) -> None:
    assert name in get_args(LossName)
    loss, target = loss_of(name, exclusive), target_of(exclusive)
    assert pickle.loads(pickle.dumps(loss))(RAW, target) == loss(RAW, target)  # noqa: S301
