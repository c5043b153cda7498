"""Weights of a blend of the predictions of several models."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from comp.contract.metric import Metric, Pair

if TYPE_CHECKING:
    import numpy as np

STEPS = (0.2, 0.1, 0.05, 0.02, 0.01)
"""Shares of the weight that are moved from one member to another, the largest first."""
METRIC_STEPS = (0.1, 0.02)
"""The same for the metric, which takes more time than the squared error."""
LEAST_GAIN = 1e-4
"""Least gain of a move, relative to the error of equal weights, for each unit of weight moved."""
MOST_ROWS = 10_000
"""Rows that decide, a random part if there are more."""

Error = Callable[["np.ndarray"], float]
"""Blended predictions (N, K) -> what should be small."""


def blend_weights(
    targets: np.ndarray,
    predictions: Sequence[np.ndarray],
    metric: Metric | None,
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
) -> tuple[float, ...]:
    """Weights >= 0 with sum 1, one per member, which are multiples of 0.01 but for rounding.

    The search starts with equal weights and moves weight from one member to another while the
    squared error gains, then while the metric gains, first in large steps, as Caruana et al. (2004)
    select models by hill climbing. So every metric of predictions works, equal members keep equal
    weights, and noise moves little. A metric that takes decisions does not decide: its decisions
    would have to be fitted for each try.

    Args:
        targets: encoded targets (N, T), as metrics see them: class indices or values.
        predictions: of each member (N, K).
        metric: the metric of the competition; None: squared error alone.
        groups: group of each row, for metrics that look at groups.
        seed: of the part of the rows that decides, if there are many.

    Raises:
        ValueError: the shapes differ, or a prediction is not finite.
    """
    import numpy as np

    members = [np.asarray(member, dtype=np.float64) for member in predictions]
    rows = len(targets)
    for member in members:
        if member.shape != members[0].shape or len(member) != rows:
            raise ValueError(f"predictions have the shapes {[m.shape for m in members]}")
        if not np.isfinite(member).all():
            raise ValueError("a prediction is not finite")
    if len(members) < 2 or not rows:
        return (1.0 / len(members),) * len(members)
    chosen = np.arange(rows)
    if rows > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST_ROWS])
    stacked = np.stack([member[chosen] for member in members])
    truth = np.asarray(targets, dtype=np.float64).reshape(rows, -1)[chosen]
    names = None if groups is None else [groups[int(i)] for i in chosen]
    weights = np.full(len(members), 1 / len(members))
    weights = _climb(stacked, weights, STEPS, _squared_error(truth, stacked.shape[-1]))
    if metric is not None and metric.takes == "predictions":
        weights = _climb(stacked, weights, METRIC_STEPS, metric_error(truth, metric, names))
    weights = np.round(weights, 12)
    return tuple(float(weight) for weight in weights / weights.sum())


def _climb(
    members: np.ndarray, weights: np.ndarray, steps: Sequence[float], error: Error
) -> np.ndarray:
    """Better weights of members (M, N, K)."""
    import numpy as np

    best = start = error(np.einsum("m,mnk->nk", weights, members))
    if not math.isfinite(start):
        return weights
    scale = abs(start) or 1.0
    for step in steps:
        for _ in range(round(2 / step)):  # a bound; each move gains, so the end comes before
            moves = [
                (error(np.einsum("m,mnk->nk", moved, members)), number, moved)
                for number, moved in enumerate(_moves(weights, step))
            ]
            least = min(
                (m for m in moves if math.isfinite(m[0])), key=lambda m: m[:2], default=None
            )
            if least is None or best - least[0] <= LEAST_GAIN * step * scale:
                break
            best, _, weights = least
    return weights


def _moves(weights: np.ndarray, step: float) -> list[np.ndarray]:
    """The weights after each move of at most `step` from one member to another."""
    moves = []
    for source, weight in enumerate(weights):
        for goal in range(len(weights)):
            if goal == source or weight <= 0:
                continue
            moved = weights.copy()
            share = min(step, float(weight))
            moved[source] -= share
            moved[goal] += share
            moves.append(moved)
    return moves


def _squared_error(truth: np.ndarray, outputs: int) -> Error:
    """The mean squared error, each column in units of its variance; of shares of classes from the
    class that is true."""
    import numpy as np

    aims = truth
    if truth.shape[1] == 1 and outputs > 1:
        aims = np.eye(outputs)[truth[:, 0].astype(np.int64)]
    spread = np.maximum(aims.var(axis=0), 1e-12)
    return lambda blended: float((((blended - aims) ** 2) / spread).mean())


def metric_error(truth: np.ndarray, metric: Metric, groups: Sequence[str | None] | None) -> Error:
    """The metric, with the sign changed if a larger one is better.

    Args:
        truth: encoded targets (N, T).
        groups: group of each row, for metrics that look at groups.
    """
    sign = 1.0 if metric.direction == "min" else -1.0
    known = groups or [None] * len(truth)

    def score(blended: np.ndarray) -> float:
        own = truth.copy(), blended.copy()  # a metric may change what it gets
        rows = enumerate(zip(*own, known, strict=True))
        return sign * float(metric.score([Pair(t, p, str(i), g) for i, (t, p, g) in rows]))

    return score
