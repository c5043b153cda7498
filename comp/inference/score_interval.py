"""The interval of a score, by a bootstrap that draws whole groups."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from comp.contract.metric import Metric, Pair
from comp.contract.scoring.classes import accuracy
from comp.inference.draws import columns_of, drawn_scores, draws_for
from comp.inference.estimates import LEAST_GROUPS, estimate_of
from comp.inference.measures import group_draws
from comp.inference.weighted_score import weighted_score

SLOW_DRAWS = 100
"""Draws of a metric that scores each draw anew."""
LEAST = 40
"""Fewer draws say nothing about percentile 2.5."""
LIMIT_S = 20.0
"""Seconds after which no further draw of such a metric is made, unless the caller says
otherwise."""


def score_interval(
    metric: Metric,
    pairs: Iterable[Pair],
    seed: int,
    limit_s: float = LIMIT_S,
    share: float = 1.0,
) -> tuple[float, float, float] | None:
    """A score and its 95 % interval: percentiles 2.5 and 97.5 of the bootstrap of groups (Davison
    and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8), widened to include the
    score. None if there are too few groups or draws, or the score is not defined.

    Draws for which the score is not defined, such as AUC without one of the classes, are left out.

    Args:
        pairs: can be iterated several times. They have what the metric takes: predictions or
            decisions.
        limit_s: seconds after which no further draw is made of a metric that scores each draw anew.
        share: of the usual number of draws of large data.
    """
    score, cheap = weighted_score(metric, pairs)
    groups = [pair.group or pair.id for pair in pairs]
    value, count = score(np.ones(len(groups))), len(set(groups))
    if count < LEAST_GROUPS or not np.isfinite(value):
        return None
    draws = draws_for(len(groups), columns_of(score), share=share) if cheap else SLOW_DRAWS
    drawn = drawn_scores([score], group_draws(groups, draws, seed), limit_s)[0]
    if np.isfinite(drawn).sum() < LEAST:
        return None
    found = estimate_of(value, drawn, count, share=metric.score is accuracy)
    if found.low is None or found.high is None:
        return None
    return found.value, found.low, found.high
