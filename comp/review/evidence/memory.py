"""How much of the uncertainty of the labels a network explains, in training and out of fold.

The share is McFadden's: 1 - log loss / log loss of constant shares (McFadden, Conditional logit
analysis of qualitative choice behavior, 1974). It is known only if the training loss is that log
loss: a cross-entropy without class weights, smoothing, mixup or CutMix. The training loss is that
of augmented samples while the weights still changed, so the share in training is a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comp.review.evidence.noise import ratio_interval
from comp.review.facts import RunFacts

_LEAST = 1e-6
BY_HEART, LITTLE = 0.9, 0.5
"""A network that explains at least 0.9 of its training labels knows them nearly by heart; one that
explains less than 0.5 leaves more open than it knows. These are judgements, not tests."""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Shares of the uncertainty that the run explains, and the losses behind them."""

    train: float
    held_out: float
    low: float
    high: float
    """95 % interval of `held_out`."""
    train_loss: float
    held_out_loss: float
    constant_loss: float

    @property
    def by_heart(self) -> bool:
        """Whether the network knows its training samples and little of the others."""
        return self.train >= BY_HEART and self.high < LITTLE

    @property
    def too_little(self) -> bool:
        """Whether it explains less than half of its training samples, and surely less than half of
        the others too."""
        return self.train < LITTLE and self.high < LITTLE


def explained(facts: RunFacts) -> Explained | None:
    """What the run explains; None if its losses cannot be compared."""
    return facts.once("memory of the training samples", lambda: _explained(facts))


def _explained(facts: RunFacts) -> Explained | None:
    numbers = facts.numbers
    losses = [fold.history[-1].get("loss") for fold in facts.folds if fold.history]
    if numbers is None or not losses or not _is_log_loss(facts):
        return None
    values = np.array([loss for loss in losses if isinstance(loss, int | float)])
    if not len(values) or not np.isfinite(values).all():
        return None
    if not np.isfinite(numbers.predictions).all():
        return None
    if facts.task.exclusive:
        shares = facts.task.exclusive.probabilities(numbers.predictions)
        truth = numbers.targets[:, 0].astype(np.int64)
        own = shares[np.arange(len(truth)), truth]
        constant = (np.bincount(truth, minlength=shares.shape[1]) / len(truth))[truth]
    elif facts.task.suspects == "labels":
        yes = numbers.targets == 1
        own = np.where(yes, numbers.predictions, 1 - numbers.predictions)
        rates = np.broadcast_to(numbers.targets.mean(axis=0), own.shape)
        constant = np.where(yes, rates, 1 - rates)
    else:
        return None
    own_loss, constant_loss = _losses(own), _losses(constant)
    if constant_loss.mean() < _LEAST:
        return None
    ratio = ratio_interval(own_loss, constant_loss, numbers.groups)
    return Explained(
        train=1 - float(values.mean() / constant_loss.mean()),
        held_out=1 - ratio.value,
        low=1 - ratio.high,
        high=1 - ratio.low,
        train_loss=float(values.mean()),
        held_out_loss=float(own_loss.mean()),
        constant_loss=float(constant_loss.mean()),
    )


def _losses(own: np.ndarray) -> np.ndarray:
    """The log loss of each sample, (N,), from the probability of what is true."""
    found = -np.log(np.clip(own, _LEAST, 1))
    return np.asarray(found if found.ndim == 1 else found.mean(axis=1))


def _is_log_loss(facts: RunFacts) -> bool:
    config: Any = facts.config
    loss, loader, optim = (config.get(name) or {} for name in ("loss", "loader", "optim"))
    name = loss.get("name", "own")
    if name == "own":
        name = "other" if facts.competition.loss else facts.task.losses[0]
    plain = not (loss.get("smoothing") or loader.get("mixup") or loader.get("cutmix"))
    even = loss.get("weights", "none") == "none" and loader.get("sampler", "shuffle") == "shuffle"
    return name in ("bce", "ce") and plain and even and not optim.get("l1")
