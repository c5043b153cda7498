"""Whether the folds disagree by more than chance allows for their sizes.

Welch's analysis of variance for unequal variances (Welch, On the comparison of several mean values,
Biometrika 38, 1951). The standard error of the score of a fold comes from draws of its groups, and
its degrees of freedom from the effective number of its groups. A fold whose groups vary less than
the mean of all folds gets the mean variance: that of a small fold without an error would be 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comp.inference.weighted_score import weighted_score
from comp.review.evidence.levels import LEAST_GROUPS
from comp.review.facts import RunFacts
from comp.review.verdict import scored_pairs

DRAWS, SLOW_DRAWS = 200, 30
"""Draws for each fold, and fewer of a metric that scores each draw anew."""


@dataclass(frozen=True, kw_only=True)
class FoldSpread:
    """The scores of the folds. `p_value` is the probability that folds of equal difficulty and
    equally good models differ that much."""

    scores: dict[int, float]
    errors: dict[int, float]
    p_value: float
    worst: int
    others: float
    """The mean score of the other folds, weighted by their precision."""


def fold_spread(facts: RunFacts) -> FoldSpread | None:
    """The spread of the folds; None if fewer than two have a score and enough groups."""
    return facts.once("fold spread", lambda: _fold_spread(facts))


def _fold_spread(facts: RunFacts) -> FoldSpread | None:
    if facts.oof is None or facts.task.output == "image":
        return None
    scores: dict[int, float] = {}
    variances: dict[int, float] = {}
    groups: dict[int, float] = {}
    for fold in sorted(set(facts.oof.fold_of.values())):
        found = _one_fold(facts, fold)
        if found:
            scores[fold], variances[fold], groups[fold] = found
    if len(scores) < 2:
        return None
    names = list(scores)
    spread = welch(
        np.array([scores[k] for k in names]),
        np.array([variances[k] for k in names]),
        np.array([groups[k] for k in names]),
    )
    if spread is None:
        return None
    p_value, weights = spread
    sign = 1.0 if facts.metric.direction == "max" else -1.0
    worst = min(names, key=lambda k: sign * scores[k])
    rest = [k for k in names if k != worst]
    share = np.array([weights[names.index(k)] for k in rest])
    return FoldSpread(
        scores=scores,
        errors={k: float(weights[i] ** -0.5) for i, k in enumerate(names)},
        p_value=p_value,
        worst=worst,
        others=float(np.average([scores[k] for k in rest], weights=share)),
    )


def _one_fold(facts: RunFacts, fold: int) -> tuple[float, float, float] | None:
    """The score of a fold, the variance of it, and its effective number of groups."""
    from comp.review.evidence.noise import draws_error

    assert facts.oof
    ids = [name for name in facts.oof.ids if facts.oof.fold_of[name] == fold]
    score, cheap = weighted_score(facts.metric, scored_pairs(facts, ids))
    value = score(np.ones(len(ids)))
    names = [facts.oof.groups[name] for name in ids]
    if not np.isfinite(value) or len(set(names)) < LEAST_GROUPS:
        return None
    error, effective = draws_error(score, names, DRAWS if cheap else SLOW_DRAWS)
    if not np.isfinite(error) or effective < LEAST_GROUPS:
        return None
    return value, error**2, effective


def welch(
    means: np.ndarray, variances: np.ndarray, groups: np.ndarray
) -> tuple[float, np.ndarray] | None:
    """The p-value of equal means (K,), and their weights, 1 / variance.

    Args:
        variances: of the means.
        groups: independent observations behind each mean.
    """
    from scipy.stats import f

    per_group = variances * groups
    per_group = np.maximum(per_group, per_group.mean())
    if not (per_group > 0).all():
        return None
    weights = groups / per_group
    count, total = len(means), weights.sum()
    grand = float(weights @ means) / total
    loose = float((np.square(1 - weights / total) / (groups - 1)).sum())
    between = float(weights @ np.square(means - grand)) / (count - 1)
    statistic = between / (1 + 2 * (count - 2) / (count**2 - 1) * loose)
    freedom = (count**2 - 1) / (3 * loose)
    return float(f.sf(statistic, count - 1, freedom)), weights
