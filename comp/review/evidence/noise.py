"""The noise of the out-of-fold score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.inference.draws import drawn_scores
from comp.inference.measures import group_draws
from comp.inference.weighted_score import WeightedScore
from comp.review.facts import RunFacts
from comp.review.verdict import interval

_WIDTH = 2 * 1.96
"""Standard errors in a 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean or another sum over samples with its 95 % interval, by draws of whole groups."""

    value: float
    low: float
    high: float


def score_error(facts: RunFacts) -> float | None:
    """The standard error of the out-of-fold score; None if there are too few groups, or if no
    sample is wrong, so that nothing is left to improve and the noise is unknown."""
    found = interval(facts)
    return (found[1] - found[0]) / _WIDTH if found and found[1] > found[0] else None


def group_sums(values: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """The sums of values (N,) or (N, S) over the samples of each group, (G,) or (G, S)."""
    names, index = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    sums = np.zeros((len(names), *values.shape[1:]))
    np.add.at(sums, index, values)
    return sums


def ratio_interval(
    parts: np.ndarray, wholes: np.ndarray, groups: Sequence[str], draws: int = 400
) -> Mean:
    """The sum of `parts` (N,) over that of `wholes` (N,), such as a mean, with its interval:
    percentiles 2.5 and 97.5 of the bootstrap of groups, widened to include the value."""
    sums = group_sums(np.stack([parts, wholes], axis=1), groups)
    rng = np.random.default_rng(0)
    drawn = np.array([sums[rng.integers(len(sums), size=len(sums))].sum(0) for _ in range(draws)])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = drawn[:, 0] / drawn[:, 1]
    finite = ratios[np.isfinite(ratios)]
    value = float(sums[:, 0].sum() / sums[:, 1].sum())
    low, high = np.percentile(finite, [2.5, 97.5]) if len(finite) else (value, value)
    return Mean(value=value, low=float(min(low, value)), high=float(max(high, value)))


def mean_interval(values: np.ndarray, groups: Sequence[str]) -> Mean:
    """The mean of values (N,) with its interval."""
    return ratio_interval(values, np.ones(len(values)), groups)


def draws_error(score: WeightedScore, groups: Sequence[str], draws: int) -> tuple[float, float]:
    """The standard error of a score by the bootstrap of groups, and the effective number of groups,
    (sum of sizes)^2 / sum of squares (Kish, Survey Sampling, 1965). NaN if too few draws have a
    score."""
    _, sizes = np.unique(np.asarray(groups, dtype=np.str_), return_counts=True)
    effective = float(sizes.sum() ** 2 / np.square(sizes.astype(np.float64)).sum())
    found = drawn_scores([score], group_draws(groups, draws, seed=0))[0]
    finite = found[np.isfinite(found)]
    if len(finite) < draws / 2 or effective < 2:
        return float("nan"), effective
    return float(finite.std(ddof=1)) * (effective / (effective - 1)) ** 0.5, effective
