"""Losses and predictions of classes that exclude each other.

Raw outputs are (N, 1) for two classes with bce or focal, (N, 2) for two classes with ce or arcface,
and (N, K) for K classes. Targets are the shares of the classes, float (N, K); each row has the sum
1.
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
from comp.training.arcface import add_margin
from comp.training.on_device import OnDevice

CLASS_LOSSES = ("bce", "ce", "focal", "arcface")
TWO_OUTPUTS = ("ce", "arcface")
"""The losses that need one output per class, also for two classes."""
MIN_FOCAL_BASE = 1e-6
"""The base of a focal weight is at least this; at 0 its gradient is infinite for gamma below 1."""


def class_loss(name: str, settings: LossConfig, classes: int, weights: Tensor | None) -> Loss:
    """The loss `name`, one of `CLASS_LOSSES`: the mean over the samples, float32.

    The loss raises ValueError if the shape of the raw outputs or the targets is wrong.

    Args:
        name: bce is for two classes only.
        classes: K, at least 2.
        weights: float32 (K,), factors of the loss of each class; None: all are 1.
    """
    if name not in CLASS_LOSSES or (name == "bce" and classes != 2):
        raise ValueError(f"'{name}' is not a loss of {classes} classes")
    factors = OnDevice(torch.ones(classes) if weights is None else weights)
    return partial(_class_loss, name, settings, classes, factors)


def outputs_of(classes: int, loss_name: str) -> int:
    """Number of raw outputs of a classifier of `classes` (at least 2) classes."""
    return 1 if classes == 2 and loss_name not in TWO_OUTPUTS else classes


def probabilities(raw: Tensor, classes: int) -> Tensor:
    """Raw outputs as float32 probabilities in 0..1.

    Two classes: the probability of class 1, (N, 1), by the sigmoid of one output or the softmax of
    two. K classes: (N, K); each row has the sum 1.

    Raises:
        ValueError: the number of outputs does not fit.
    """
    columns = raw.shape[1]
    if columns != classes and (columns, classes) != (1, 2):
        raise ValueError(f"the raw outputs have the shape {tuple(raw.shape)} for {classes} classes")
    if columns == 1:
        return raw.float().sigmoid()
    shares = raw.float().softmax(dim=1)
    return shares[:, 1:] if classes == 2 else shares


def soft_shares(target: Tensor, smoothing: float, classes: int) -> Tensor:
    """Class indices (N, 1) as shares of the classes, float32 (N, K).

    A class gets 1 - smoothing + smoothing / K, and each other class smoothing / K (Szegedy et al.,
    Rethinking the Inception Architecture, 2016).

    Raises:
        ValueError: the target is not (N, 1).
    """
    if target.ndim != 2 or target.shape[1] != 1:
        raise ValueError(
            f"class indices have the shape (N, 1), but the targets have {tuple(target.shape)}"
        )
    one_hot = torch.zeros(len(target), classes, device=target.device)
    one_hot.scatter_(1, target.long(), 1.0)  # F.one_hot would wait for the device
    return one_hot * (1 - smoothing) + smoothing / classes


def balanced_weights(labels: Sequence[int], names: Sequence[str]) -> Tensor:
    """Weights float32 (K,): samples / (K * samples of the class), as scikit-learn's "balanced".

    Args:
        labels: class index of each training sample.
        names: names of the K classes.

    Raises:
        ConfigError: a class has no training sample.
        ValueError: a label is not in 0..K-1.
    """
    from sklearn.utils.class_weight import compute_class_weight  # takes seconds to import

    indices = np.asarray(labels, dtype=np.int64)
    counts = np.bincount(indices, minlength=len(names))
    if len(counts) > len(names):
        raise ValueError(f"label {len(counts) - 1} is not one of the {len(names)} classes")
    if not counts.all():
        raise ConfigError(
            "loss.weights = 'balanced', but this fold has no training sample of class "
            f"'{names[int(np.argmin(counts))]}': set loss.weights=none, or use fewer folds"
        )
    balanced = compute_class_weight("balanced", classes=np.arange(len(counts)), y=indices)
    return torch.tensor(balanced, dtype=torch.float32)


def _class_loss(
    name: str,
    settings: LossConfig,
    classes: int,
    factors: OnDevice,
    raw: Tensor,
    shares: Tensor,
) -> Tensor:
    _check_shapes(raw, shares, outputs_of(classes, name), classes)
    raw = raw.float()
    weights = factors.on(raw.device)
    gamma = settings.gamma if name == "focal" else 0.0
    if outputs_of(classes, name) == 1:
        return _binary(raw, shares, weights, gamma)
    if name == "arcface":
        raw = add_margin(raw, shares, settings.margin, settings.scale)
    if name in TWO_OUTPUTS:
        return F.cross_entropy(raw, shares, weight=weights)
    log_probabilities = raw.log_softmax(dim=1)
    focal = (1 - log_probabilities.exp()).clamp(min=MIN_FOCAL_BASE) ** gamma
    return -(weights * shares * focal * log_probabilities).sum(dim=1).mean()


def _check_shapes(raw: Tensor, shares: Tensor, outputs: int, classes: int) -> None:
    samples = raw.shape[0] if raw.ndim else 0
    if raw.shape != (samples, outputs) or shares.shape != (samples, classes):
        raise ValueError(
            f"the raw outputs have the shape {tuple(raw.shape)}, and the targets have the shape "
            f"{tuple(shares.shape)}: a loss of {classes} classes takes (N, {outputs}) and shares "
            f"of the classes (N, {classes})"
        )


def _binary(raw: Tensor, shares: Tensor, weights: Tensor, gamma: float) -> Tensor:
    """Binary cross-entropy of one output (N, 1), with focal weights if gamma is above 0.

    The focal weight is |y - p|^gamma: for y in {0, 1} the weight of Lin et al. (Focal Loss for
    Dense Object Detection, 2017), between 0 and 1 that of Li et al. (Generalized Focal Loss, 2020).
    For K classes it is the sum of y (1 - p)^gamma (-log p).
    """
    positive = shares[:, 1:]
    losses = weights[0] * F.binary_cross_entropy_with_logits(
        raw, positive, pos_weight=weights[1] / weights[0], reduction="none"
    )
    if gamma:
        losses = losses * (positive - raw.sigmoid()).abs().clamp(min=MIN_FOCAL_BASE) ** gamma
    return losses.mean()
