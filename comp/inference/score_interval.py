"""The interval of a score, by a bootstrap that draws whole groups."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from comp.contract.metric import Metric, Pair
from comp.inference.measures import group_draws
from comp.inference.weighted_score import weighted_score

DRAWS, SLOW_DRAWS = 1000, 100
"""Draws of the bootstrap, and fewer of a metric that scores each draw anew."""
LEAST_DRAWS = 10
"""Fewer draws in the time limit give no interval."""
LEAST_GROUPS = 5
"""Fewer groups give no interval."""
LIMIT_S = 20.0
"""Seconds after which no further draw is made, unless the caller says otherwise."""


def score_interval(
    metric: Metric, pairs: Iterable[Pair], seed: int, limit_s: float = LIMIT_S
) -> tuple[float, float, float] | None:
    """A score and its 95 % interval: percentiles 2.5 and 97.5 of the bootstrap of groups (Davison
    and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8), widened to include the
    score. None if there are too few groups or draws, or the score is not defined.

    Draws for which the score is not defined, such as AUC without one of the classes, are left out.

    Args:
        pairs: can be iterated several times. They have what the metric takes: predictions or
            decisions.
        limit_s: seconds after which no further draw is made.
    """
    score, cheap = weighted_score(metric, pairs)
    groups = [pair.group or pair.id for pair in pairs]
    value = score(np.ones(len(groups)))
    if len(set(groups)) < LEAST_GROUPS or not np.isfinite(value):
        return None
    drawn, end = [], time.monotonic() + limit_s
    for weights in group_draws(groups, DRAWS if cheap else SLOW_DRAWS, seed):
        drawn.append(score(weights))
        if time.monotonic() > end:
            break
    finite = np.array(drawn)[np.isfinite(drawn)]
    if len(finite) < LEAST_DRAWS:
        return None
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(value), float(min(low, value)), float(max(high, value))
