"""Losses and predictions of ordered grades 0..K-1, by one output for each step between grades.

Raw outputs are (N, K - 1): column k is about "the grade y is above k". Targets are grades, float
(N, 1). The expected grade is the sum of the probabilities P(y > k).
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from comp.contract.task import Loss

ORDINAL_LOSSES = ("corn", "cumulative")


def ordinal_loss(name: str, grades: int) -> Loss:
    """The loss `name`, one of `ORDINAL_LOSSES`, float32.

    - corn: column k is the logit of P(y > k | y > k - 1). The loss is the binary cross-entropy of
      "y > k" over the samples with y > k - 1, a mean over all such pairs of sample and column (Shi,
      Cao, Raschka, Deep Neural Networks for Rank-Consistent Ordinal Regression Based On
      Conditional Probabilities, 2021).
    - cumulative: column k is the logit of P(y > k). The loss is the binary cross-entropy of
      "y > k", the mean over samples and columns (the all-threshold loss of Rennie, Srebro, Loss
      Functions for Preference Levels, 2005; with networks Niu et al., Ordinal Regression with
      Multiple Output CNN for Age Estimation, 2016).

    A grade that a batch lacks changes nothing. The loss raises ValueError if the shape of the raw
    outputs or the targets is wrong.

    Args:
        grades: K, at least 2.
    """
    _check_name(name)
    if grades < 2:
        raise ValueError(f"grades are at least 2, found {grades}")
    return partial(_ordinal, name, grades)


def grade_probabilities(name: str, raw: Tensor) -> Tensor:
    """P(y > k), float32 (N, K - 1), of raw outputs of the loss `name`.

    With corn they never rise from column to column. With cumulative they may, because each column
    is by itself.
    """
    _check_name(name)
    chances = raw.float().sigmoid()
    return chances.cumprod(dim=1) if name == "corn" else chances


def _ordinal(name: str, grades: int, raw: Tensor, target: Tensor) -> Tensor:
    samples = raw.shape[0] if raw.ndim else 0
    if raw.shape != (samples, grades - 1) or target.shape != (samples, 1):
        raise ValueError(
            f"the raw outputs have the shape {tuple(raw.shape)}, and the targets have the shape "
            f"{tuple(target.shape)}: a loss of {grades} grades takes (N, {grades - 1}) and (N, 1)"
        )
    steps = torch.arange(grades - 1, device=raw.device)
    above = _share_above(target, steps)
    losses = F.binary_cross_entropy_with_logits(raw.float(), above, reduction="none")
    if name == "cumulative":
        return losses.mean()
    asked = _share_above(target, steps - 1)  # column 0 asks every sample, so the sum is not 0
    return (losses * asked).sum() / asked.sum()


def _share_above(target: Tensor, steps: Tensor) -> Tensor:
    """P(y > k) for each step k, float32 (N, K - 1): 0 or 1 for a grade. An expected grade of 2.3,
    which only a pseudo-label has, is the grade 2 with a probability of 0.7, and 3 with 0.3."""
    return (target.float() - steps).clamp(0, 1)


def _check_name(name: str) -> None:
    if name not in ORDINAL_LOSSES:
        raise ValueError(f"'{name}' is not a loss of grades")
