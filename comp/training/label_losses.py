"""Losses of several labels, each of which a sample has or does not have.

Raw outputs and targets are (N, K), one column per label. A target is a float in 0..1; between 0 and
1 it comes from label smoothing or mixup.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from comp.config.sections import LossConfig
from comp.contract.task import Loss
from comp.errors import ConfigError
from comp.training.class_losses import MIN_FOCAL_BASE
from comp.training.on_device import OnDevice
from comp.training.value_losses import check_equal_shapes

LABEL_LOSSES = ("bce", "focal", "asymmetric")


def label_loss(name: str, settings: LossConfig, positive_weights: Tensor | None) -> Loss:
    """The loss `name`, one of `LABEL_LOSSES`: the mean over samples and labels, float32.

    p is the sigmoid of a raw output and y its target:

    - bce: -y log p - (1 - y) log(1 - p)
    - focal: |y - p|^gamma bce (Lin et al., Focal Loss for Dense Object Detection, 2017; between 0
      and 1 as in Li et al., Generalized Focal Loss, 2020)
    - asymmetric: -y (1 - p)^gamma_positive log p - (1 - y) q^gamma_negative log(1 - q) with
      q = max(p - clip, 0) (Ridnik et al., Asymmetric Loss For Multi-Label Classification, 2021,
      who add the values up where this is their mean)

    The loss raises ValueError if the shapes of raw outputs and targets differ.

    Args:
        positive_weights: float32 (K,), factors of the part with y; None: all are 1.
    """
    if name not in LABEL_LOSSES:
        raise ValueError(f"'{name}' is not a loss of several labels")
    factors = None if positive_weights is None else OnDevice(positive_weights)
    if name == "asymmetric":
        return partial(_asymmetric, settings, factors)
    gamma = settings.gamma if name == "focal" else 0.0
    return partial(_focal, gamma, factors)


def positive_weights(targets: np.ndarray, names: Sequence[str]) -> Tensor:
    """Weights float32 (K,): samples without the label / samples with it.

    Args:
        targets: (N, K), 0 or 1, of the training samples.
        names: names of the K labels.

    Raises:
        ConfigError: a label has no training sample, or every training sample.
        ValueError: the targets are not (N, K).
    """
    targets = np.asarray(targets, dtype=np.float64)
    if targets.ndim != 2 or targets.shape[1] != len(names):
        raise ValueError(f"the targets of {len(names)} labels have the shape {targets.shape}")
    positives = targets.sum(axis=0)
    negatives = (1 - targets).sum(axis=0)
    for counts, problem in (
        (positives, "no training sample of"),
        (negatives, "no training sample without"),
    ):
        if not counts.all():
            raise ConfigError(
                f"loss.weights = 'balanced', but this fold has {problem} label "
                f"'{names[int(np.argmin(counts))]}': set loss.weights=none, or use fewer folds"
            )
    return torch.tensor(negatives / positives, dtype=torch.float32)


def _focal(gamma: float, weights: OnDevice | None, raw: Tensor, target: Tensor) -> Tensor:
    check_equal_shapes(raw, target)
    raw, target = raw.float(), target.float()
    losses = F.binary_cross_entropy_with_logits(
        raw, target, pos_weight=_on_device(weights, raw), reduction="none"
    )
    if gamma:
        losses = losses * (target - raw.sigmoid()).abs().clamp(min=MIN_FOCAL_BASE) ** gamma
    return losses.mean()


def _asymmetric(
    settings: LossConfig, weights: OnDevice | None, raw: Tensor, target: Tensor
) -> Tensor:
    check_equal_shapes(raw, target)
    raw, target = raw.float(), target.float()
    absent = raw.neg().sigmoid()  # 1 - p
    positive = -F.logsigmoid(raw)
    if settings.gamma_positive:
        positive = positive * absent.clamp(min=MIN_FOCAL_BASE) ** settings.gamma_positive
    factors = _on_device(weights, raw)
    if factors is not None:
        positive = positive * factors
    if settings.clip:
        negative = -torch.log((absent + settings.clip).clamp(max=1))
    else:
        negative = -F.logsigmoid(-raw)  # finite where 1 - p is 0
    if settings.gamma_negative:
        shifted = raw.sigmoid() - settings.clip
        negative = negative * shifted.clamp(min=MIN_FOCAL_BASE) ** settings.gamma_negative
    return (target * positive + (1 - target) * negative).mean()


def _on_device(weights: OnDevice | None, raw: Tensor) -> Tensor | None:
    """The weights (K,) on the device of the raw outputs (N, K).

    Raises:
        ValueError: their number is not K.
    """
    if weights is None:
        return None
    if weights.value.shape != raw.shape[1:]:
        raise ValueError(
            f"the weights have the shape {tuple(weights.value.shape)}, but the raw outputs have "
            f"the shape {tuple(raw.shape)}: one weight per label"
        )
    return weights.on(raw.device)
