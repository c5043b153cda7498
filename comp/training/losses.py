"""Loss functions by name, for classification and for images.

A classifier's raw predictions are (N, 1) for two classes (bce, focal), (N, 2) for two classes with
ce, and (N, K) for K classes. Its targets are class indices as floats (N, 1), or shares of the
classes (N, K) from mixup; each row has the sum 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from comp.config.schema import RunConfig
from comp.config.sections import LossConfig
from comp.contract.competition import Competition, Sample
from comp.errors import ConfigError

Loss = Callable[[Tensor, Tensor], Tensor]
"""(raw predictions, targets) -> scalar."""

CLASS_LOSSES = ("bce", "ce", "focal")
VALUE_LOSSES = ("mse", "mae", "huber", "charbonnier")
_MIN_FOCAL_BASE = 1e-6
"""The base of a focal weight is at least this; at 0 its gradient is infinite for gamma below 1."""


def make_loss(competition: Competition, config: RunConfig, train: Sequence[Sample]) -> Loss:
    """The loss of a run, a mean over the batch.

    `loss.name` "own" is the loss of the competition. If it defines none: bce for two classes, ce
    for more, and mse without classes.

    Args:
        train: training samples of the fold, whose `target` is the class index; "balanced" class
            weights come from their counts.

    Raises:
        ConfigError: the loss does not fit the competition, or does not support class weights or
            smoothing; or a class has no training sample for its weight.
    """
    settings, classes = config.loss, len(competition.classes)
    if settings.name == "own" and competition.loss:
        _check_plain(settings, "the competition's own loss")
        return competition.loss
    default = "mse" if not classes else "bce" if classes == 2 else "ce"
    name = default if settings.name == "own" else settings.name
    fitting = CLASS_LOSSES[classes > 2 :] if classes else VALUE_LOSSES
    if name not in fitting:
        number = f"{classes} classes" if classes else "no classes"
        raise ConfigError(
            f"loss.name = '{name}' does not fit {competition.name}, which has {number}: use "
            f"{', '.join(fitting)}"
        )
    if not classes:
        _check_plain(settings, f"loss.name = '{name}'")
        return _value_loss(name, settings.delta)
    weights = loss_class_weights(competition, train) if settings.weights == "balanced" else None
    return partial(_class_loss, name, settings, classes, weights)


def outputs_of(classes: int, loss_name: str) -> int:
    """Number of raw outputs of a classifier of `classes` (at least 2) classes."""
    return 1 if classes == 2 and loss_name != "ce" else classes


def probabilities(raw: Tensor, classes: int) -> Tensor:
    """Raw predictions (N, outputs) as float32 probabilities in 0..1.

    Two classes: the probability of class 1, (N, 1), by the sigmoid of one output or the softmax of
    two. K classes: (N, K); each row has the sum 1.
    """
    if raw.shape[1] == 1:
        return raw.float().sigmoid()
    shares = raw.float().softmax(dim=1)
    return shares[:, 1:] if classes == 2 else shares


def loss_class_weights(competition: Competition, train: Sequence[Sample]) -> Tensor:
    """Weights float32 (K,): samples / (K * samples of the class), as scikit-learn's "balanced".

    Raises:
        ConfigError: a class has no training sample.
    """
    from sklearn.utils.class_weight import compute_class_weight  # takes seconds to import

    labels = np.array([sample.target for sample in train], dtype=np.float64).astype(np.int64)
    counts = np.bincount(labels, minlength=len(competition.classes))
    if not counts.all():
        raise ConfigError(
            "loss.weights = 'balanced', but this fold has no training sample of class "
            f"'{competition.classes[int(np.argmin(counts))]}': set loss.weights=none, or use fewer "
            "folds"
        )
    balanced = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    return torch.tensor(balanced, dtype=torch.float32)


def _check_plain(settings: LossConfig, loss: str) -> None:
    """Refuse class weights and smoothing, which `loss` does not support."""
    refused = [f"loss.weights = '{settings.weights}'"] * (settings.weights != "none")
    refused += [f"loss.smoothing = {settings.smoothing}"] * (settings.smoothing > 0)
    if refused:
        raise ConfigError(
            f"{loss} does not support {' and '.join(refused)}: leave them out, only "
            f"{', '.join(CLASS_LOSSES)} use them"
        )


def _value_loss(name: str, delta: float) -> Loss:
    """A loss between values of equal shape.

    huber is torch's: e^2 / 2 for errors below delta, else delta (|e| - delta / 2) (Huber 1964).
    """
    losses: dict[str, Loss] = {
        "mse": F.mse_loss,
        "mae": F.l1_loss,
        "huber": partial(F.huber_loss, delta=delta),
        "charbonnier": partial(charbonnier, delta=delta),
    }
    return losses[name]


def charbonnier(raw: Tensor, target: Tensor, delta: float) -> Tensor:
    """Mean of sqrt(e^2 + delta^2) over values of equal shape; delta if there is no error
    (Charbonnier et al., Two deterministic half-quadratic regularization algorithms, ICIP 1994)."""
    return torch.sqrt((raw - target).square() + delta**2).mean()


def _class_loss(
    name: str,
    settings: LossConfig,
    classes: int,
    weights: Tensor | None,
    raw: Tensor,
    target: Tensor,
) -> Tensor:
    raw, shares = raw.float(), soft_targets(target, classes, settings.smoothing)
    weights = torch.ones(classes) if weights is None else weights
    weights = weights.to(raw.device, non_blocking=True)
    gamma = settings.gamma if name == "focal" else 0.0
    if outputs_of(classes, name) == 1:
        return _binary(raw, shares, weights, gamma)
    if name == "ce":
        return F.cross_entropy(raw, shares, weight=weights)
    log_probabilities = raw.log_softmax(dim=1)
    focal = (1 - log_probabilities.exp()).clamp(min=_MIN_FOCAL_BASE) ** gamma
    return -(weights * shares * focal * log_probabilities).sum(dim=1).mean()


def soft_targets(target: Tensor, classes: int, smoothing: float) -> Tensor:
    """Shares of the classes, float (N, K).

    A class index (N, 1) becomes 1 - smoothing + smoothing / K for its class and smoothing / K for
    the others (Szegedy et al., Rethinking the Inception Architecture, 2016). Shares are returned
    unchanged, because mixup has already smoothed them.
    """
    if target.shape[1] == classes:
        return target
    one_hot = F.one_hot(target.long().squeeze(1), classes).float()
    return one_hot * (1 - smoothing) + smoothing / classes


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
        losses = losses * (positive - raw.sigmoid()).abs().clamp(min=_MIN_FOCAL_BASE) ** gamma
    return losses.mean()
