"""What training makes small: losses by name, for classes and for images.

A classifier's raw predictions are (N, 1) for two classes (bce, focal), (N, 2) for two classes with
ce, and (N, K) for K classes. Its targets are class indices as floats (N, 1), or shares of the
classes (N, K), rows of sum 1, as mixup makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from comp.config.schema import RunConfig
from comp.config.sections import LossConfig
from comp.contract.competition import Competition, Sample
from comp.errors import ConfigError

Loss = Callable[[Tensor, Tensor], Tensor]
"""(raw predictions, targets) -> scalar."""

OF_CLASSES = ("bce", "ce", "focal")
OF_VALUES = ("mse", "mae", "huber", "charbonnier")
_LEAST = 1e-6
"""A focal weight below this has no gradient; at zero that of a root would be infinite."""


def make_loss(competition: Competition, config: RunConfig, train: Sequence[Sample]) -> Loss:
    """The loss of a run, a mean over the batch.

    `loss.name` "own" takes that of the competition, or else bce for two classes, ce for more, and
    mse where there are no classes.

    Args:
        train: training samples of the fold, whose `target` is the class index; "balanced" class
            weights come from their counts.

    Raises:
        ConfigError: a loss that does not fit the competition, class weights or smoothing for a loss
            that has none, or class weights where a class has no training sample.
    """
    settings, classes = config.loss, len(competition.classes)
    if settings.name == "own" and competition.loss:
        _check_plain(settings, "the competition's own loss")
        return competition.loss
    default = "mse" if not classes else "bce" if classes == 2 else "ce"
    name = default if settings.name == "own" else settings.name
    fitting = OF_CLASSES[classes > 2 :] if classes else OF_VALUES
    if name not in fitting:
        what = f"{classes} classes" if classes else "no classes"
        raise ConfigError(
            f"loss.name = '{name}' does not fit {competition.name}, which has {what}: use "
            f"{', '.join(fitting)}"
        )
    if not classes:
        _check_plain(settings, f"loss.name = '{name}'")
        return _of_values(name, settings.delta)
    weights = loss_class_weights(competition, train) if settings.weights == "balanced" else None
    return partial(_of_classes, name, settings, classes, weights)


def outputs_of(classes: int, loss_name: str) -> int:
    """Number of raw outputs of a classifier of `classes` (at least 2) classes."""
    return 1 if classes == 2 and loss_name != "ce" else classes


def probabilities(raw: Tensor, classes: int) -> Tensor:
    """Raw predictions (N, outputs) as float32 probabilities in 0..1.

    Of two classes it is that of the second, (N, 1), by a sigmoid of one output or a softmax of two;
    of K classes they are (N, K), rows of sum 1.
    """
    if raw.shape[1] == 1:
        return raw.float().sigmoid()
    shares = raw.float().softmax(dim=1)
    return shares[:, 1:] if classes == 2 else shares


def loss_class_weights(competition: Competition, train: Sequence[Sample]) -> Tensor:
    """Weights float32 (K,): samples / (K * samples of the class), as scikit-learn's "balanced".

    Raises:
        ConfigError: when a class has no training sample.
    """
    labels = np.array([sample.target for sample in train], dtype=np.float64).astype(np.int64)
    counts = np.bincount(labels, minlength=len(competition.classes))
    if not counts.all():
        raise ConfigError(
            f"loss.weights = 'balanced', but no training sample of this fold is of class "
            f"'{competition.classes[int(np.argmin(counts))]}': use none, or fewer folds"
        )
    balanced = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    return torch.tensor(balanced, dtype=torch.float32)


def _check_plain(settings: LossConfig, what: str) -> None:
    """Refuse settings that `what` would not heed."""
    set_ = [f"loss.weights = '{settings.weights}'"] * (settings.weights != "none")
    set_ += [f"loss.smoothing = {settings.smoothing}"] * (settings.smoothing > 0)
    if set_:
        raise ConfigError(f"{what} knows no {' and no '.join(set_)}: these are for {OF_CLASSES}")


def _of_values(name: str, delta: float) -> Loss:
    """A loss between values of equal shape.

    huber is torch's: e^2 / 2 below delta, delta (|e| - delta / 2) above (Huber 1964).
    """
    losses: dict[str, Loss] = {
        "mse": F.mse_loss,
        "mae": F.l1_loss,
        "huber": partial(F.huber_loss, delta=delta),
        "charbonnier": partial(charbonnier, delta=delta),
    }
    return losses[name]


def charbonnier(raw: Tensor, target: Tensor, delta: float) -> Tensor:
    """Mean of sqrt(e^2 + delta^2), of values of equal shape (Charbonnier et al., Two deterministic
    half-quadratic regularization algorithms, ICIP 1994); delta itself where there is no error."""
    return torch.sqrt((raw - target).square() + delta**2).mean()


def _of_classes(
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
    logs = raw.log_softmax(dim=1)
    hard = (1 - logs.exp()).clamp(min=_LEAST) ** gamma
    return -(weights * shares * hard * logs).sum(dim=1).mean()


def soft_targets(target: Tensor, classes: int, smoothing: float) -> Tensor:
    """Shares of the classes, float (N, K).

    Class indices (N, 1) become 1 - smoothing + smoothing / K for the class and smoothing / K for
    the others (Szegedy et al., Rethinking the Inception Architecture, 2016). Shares stay: mixup
    smooths them itself.
    """
    if target.shape[1] == classes:
        return target
    hot = F.one_hot(target.long().squeeze(1), classes).float()
    return hot * (1 - smoothing) + smoothing / classes


def _binary(raw: Tensor, shares: Tensor, weights: Tensor, gamma: float) -> Tensor:
    """Binary cross-entropy of one output (N, 1), with focal weights where gamma is above 0.

    The focal weight is |y - p|^gamma: that of Lin et al. (Focal Loss for Dense Object Detection,
    2017) where y is 0 or 1, and that of Li et al. (Generalized Focal Loss, 2020) between. The same
    for K classes is the sum of y (1 - p)^gamma (-log p).
    """
    positive = shares[:, 1:]
    losses = weights[0] * F.binary_cross_entropy_with_logits(
        raw, positive, pos_weight=weights[1] / weights[0], reduction="none"
    )
    if gamma:
        losses = losses * (positive - raw.sigmoid()).abs().clamp(min=_LEAST) ** gamma
    return losses.mean()
