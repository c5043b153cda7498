"""Losses of masks of independent classes, which may overlap, or of classes that exclude each other.

Raw outputs and targets are (N, K, H, W). A target is a float in 0..1; of exclusive classes it is
one-hot over K. All losses are computed in float32. A region loss (dice, tversky, lovasz) belongs to
one image and one class; its mean over classes and images is the loss of the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from comp.config.sections import LossConfig
from comp.contract.task import Loss
from comp.errors import ConfigError
from comp.training.class_losses import MIN_FOCAL_BASE
from comp.training.on_device import OnDevice
from comp.training.value_losses import check_equal_shapes

INDEPENDENT_MASK_LOSSES = ("bce", "bce_dice", "dice", "bce_lovasz", "lovasz", "tversky", "focal")
EXCLUSIVE_MASK_LOSSES = ("ce", "ce_dice", "dice", "lovasz")
_SMOOTH = 1.0
"""Pixels added to both parts of a fraction. They bound the gradient of an empty mask."""
_Part = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""(raw outputs, targets, weights) -> scalar."""


def mask_loss(
    name: str, settings: LossConfig, exclusive: bool, weights: Tensor | None = None
) -> Loss:
    """The loss `name`: one of `EXCLUSIVE_MASK_LOSSES` or of `INDEPENDENT_MASK_LOSSES`, float32.

    p is the sigmoid of a raw output (exclusive classes: the softmax over K) and y its target; sums
    are over the pixels of one image and one class:

    - bce, ce: cross-entropy, the mean over pixels (bce: and classes)
    - focal: |y - p|^gamma bce (Lin et al., Focal Loss for Dense Object Detection, 2017)
    - dice: 1 - (2 sum(p y) + 1) / (sum(p) + sum(y) + 1) (Milletari et al., V-Net, 2016)
    - tversky: 1 - (t + 1) / (t + alpha sum(p (1 - y)) + beta sum((1 - p) y) + 1) with t = sum(p y)
      (Salehi et al., Tversky loss function for image segmentation, 2017)
    - lovasz: the Lovasz hinge; exclusive classes: the Lovasz softmax of the classes that an image
      contains (Berman et al., The Lovasz-Softmax loss, 2018)
    - bce_dice, ce_dice, bce_lovasz: (1 - region_weight) bce + region_weight dice

    The loss raises ValueError if raw outputs and targets are not both (N, K, H, W), and if there is
    only one exclusive class.

    Args:
        weights: float32 (K,) of each class: factors of the part with y in bce and focal, factors
            of the class in ce. None: all are 1.

    Raises:
        ConfigError: the loss does not support weights.
        ValueError: the classes do not have this loss.
    """
    if name not in (EXCLUSIVE_MASK_LOSSES if exclusive else INDEPENDENT_MASK_LOSSES):
        raise ValueError(f"'{name}' is not a loss of masks with exclusive={exclusive}")
    first, _, second = name.partition("_")
    if weights is not None and first not in ("bce", "ce", "focal"):
        raise ConfigError(
            f"loss.name = '{name}' does not support loss.weights = '{settings.weights}': set "
            "loss.weights=none, or use a loss with "
            f"{'ce' if exclusive else 'bce'}"
        )
    parts = [(_part(first, settings, exclusive), 1.0)]
    if second:
        region = settings.region_weight
        parts = [(parts[0][0], 1 - region), (_part(second, settings, exclusive), region)]
    factors = None if weights is None else OnDevice(weights)
    return partial(_weighted_sum, parts, factors, 2 if exclusive else 1)


def _part(name: str, settings: LossConfig, exclusive: bool) -> _Part:
    parts: dict[str, _Part] = {
        "bce": _bce,
        "focal": partial(_focal, settings.gamma),
        "ce": _ce,
        # Dice is the Tversky loss with both weights 1/2 and half the smooth term.
        "dice": partial(_tversky, exclusive, 0.5, 0.5, _SMOOTH / 2),
        "tversky": partial(_tversky, exclusive, settings.alpha, settings.beta, _SMOOTH),
        "lovasz": _lovasz_softmax if exclusive else _lovasz_hinge,
    }
    return parts[name]


def _weighted_sum(
    parts: list[tuple[_Part, float]],
    factors: OnDevice | None,
    least_classes: int,
    raw: Tensor,
    target: Tensor,
) -> Tensor:
    check_equal_shapes(raw, target)
    if raw.ndim != 4 or raw.shape[1] < least_classes:
        raise ValueError(
            f"masks have the shape (N, K, H, W) with K at least {least_classes}, found "
            f"{tuple(raw.shape)}"
        )
    weights = None
    if factors is not None:
        weights = factors.on(raw.device)
        if weights.shape != raw.shape[1:2]:
            raise ValueError(
                f"the weights have the shape {tuple(weights.shape)}, but the raw outputs have the "
                f"shape {tuple(raw.shape)}: one weight per class"
            )
    raw, target = raw.float(), target.float()
    values = [factor * part(raw, target, weights) for part, factor in parts]
    return torch.stack(values).sum()


def _bce(raw: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    return _focal(0.0, raw, target, weights)


def _focal(gamma: float, raw: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    positive = None if weights is None else weights[:, None, None]
    losses = F.binary_cross_entropy_with_logits(raw, target, pos_weight=positive, reduction="none")
    if gamma:
        losses = losses * (target - raw.sigmoid()).abs().clamp(min=MIN_FOCAL_BASE) ** gamma
    return losses.mean()


def _ce(raw: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    return F.cross_entropy(raw, target, weight=weights)


def _tversky(
    exclusive: bool,
    alpha: float,
    beta: float,
    smooth: float,
    raw: Tensor,
    target: Tensor,
    _weights: Tensor | None,
) -> Tensor:
    chances = raw.softmax(dim=1) if exclusive else raw.sigmoid()
    both = (chances * target).sum(dim=(2, 3))
    only_predicted = (chances * (1 - target)).sum(dim=(2, 3))
    only_target = ((1 - chances) * target).sum(dim=(2, 3))
    overlap = (both + smooth) / (both + alpha * only_predicted + beta * only_target + smooth)
    return (1 - overlap).mean()


def _lovasz_hinge(raw: Tensor, target: Tensor, _weights: Tensor | None) -> Tensor:
    """Soft targets are rounded: a hinge has two sides."""
    present = (target >= 0.5).float().flatten(2)
    errors = 1 - raw.flatten(2) * (2 * present - 1)
    return (errors.relu() * _jaccard_weights(errors, present)).sum(dim=2).mean()


def _lovasz_softmax(raw: Tensor, target: Tensor, _weights: Tensor | None) -> Tensor:
    """The mean over the classes that an image contains, then over the images."""
    shares = target.flatten(2)
    errors = (shares - raw.softmax(dim=1).flatten(2)).abs()
    losses = (errors * _jaccard_weights(errors, shares)).sum(dim=2)
    contained = (shares.sum(dim=2) > 0).float()
    return ((losses * contained).sum(dim=1) / contained.sum(dim=1).clamp(min=1)).mean()


@torch.no_grad()
def _jaccard_weights(errors: Tensor, shares: Tensor) -> Tensor:
    """The gradient of the Lovasz extension of the Jaccard loss with respect to the errors.

    Both arguments are (N, K, pixels). In the order of falling errors, the weight of a pixel is what
    it adds to the Jaccard loss 1 - I / U; the sum of the weights is 1.

    The usual form, the difference of two values of I / U, cancels in float32 for large masks. With
    I and U before the pixel and its share y, the same difference is
    (I (1 - y) + y U) / (U (U + 1 - y)).
    """
    order = errors.argsort(dim=2, descending=True)
    y = shares.gather(2, order)
    total = y.sum(dim=2, keepdim=True)
    intersection = (total - y.cumsum(dim=2) + y).clamp(min=0)  # before the pixel
    union_after = total + (1 - y).cumsum(dim=2)
    union = union_after - (1 - y)
    sorted_weights = (intersection * (1 - y) + y * union) / (union * union_after)
    # Without any pixel the mask and the prediction are equal: the first pixel adds 1.
    sorted_weights = torch.where(union > 0, sorted_weights, 1 / union_after)
    return torch.empty_like(errors).scatter_(2, order, sorted_weights)
