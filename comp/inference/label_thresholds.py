"""Thresholds of several labels, fitted for a metric of decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from comp.contract.metric import Metric
from comp.inference.decisions import drawn_rows, gain_is_real, paired

ROWS = 1500
"""Samples on which thresholds are fitted; of more, as many are drawn."""
COMMON = 39
"""Candidates for the threshold of all labels together."""
WORK = 600
"""Scores that are computed for the thresholds of the labels by themselves, about four times."""
MOST_LABELS = 60
"""Largest number of labels that get thresholds by themselves."""

Score = Callable[[np.ndarray, np.ndarray | slice], float]
"""(thresholds (K,), rows) -> score, larger is better."""


def best_label_thresholds(
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    metric: Metric,
    seed: int,
    default: float = 0.5,
    ids: Sequence[str] = (),
) -> tuple[float, ...]:
    """One threshold per label: a label is decided if `probability >= threshold`.

    First all labels get the best common threshold, then each label its own, in order. Each change
    is kept only if its gain is larger than two standard errors (`gain_is_real`). As in
    `best_threshold`, the score of a candidate is the mean over it and its neighbours.

    Args:
        targets: (N, K), 0 or 1.
        probabilities: float (N, K).
        groups: N names; the samples of one group are similar.
        ids: N ids of the samples, for metrics that need them.
    """
    count, labels = probabilities.shape
    thresholds = np.full(labels, default)
    if count == 0:
        return tuple(thresholds.tolist())
    rows = drawn_rows(count, ROWS, seed)
    truth, chances = targets[rows].astype(np.float64), probabilities[rows]
    names = [groups[row] for row in rows.tolist()]
    sample_ids = [ids[row] for row in rows.tolist()] if ids else names
    sign = 1 if metric.direction == "max" else -1

    def score(thresholds: np.ndarray, rows: np.ndarray | slice = slice(None)) -> float:
        decided = (chances[rows] >= thresholds).astype(np.float64)
        return sign * metric.score(paired(truth, decided, sample_ids, names, rows))

    every = np.ones(labels, dtype=bool)
    thresholds = _improved(thresholds, every, chances, score, names, seed, COMMON, 30)
    if labels <= MOST_LABELS:
        candidates = int(np.clip(WORK // labels, 6, 16))
        draws = int(np.clip(WORK // labels, 10, 30))
        for label in range(labels):
            alone = np.arange(labels) == label
            thresholds = _improved(
                thresholds, alone, chances, score, names, seed, candidates, draws
            )
    return tuple(thresholds.tolist())


def _improved(
    thresholds: np.ndarray,
    labels: np.ndarray,
    chances: np.ndarray,
    score: Score,
    groups: Sequence[str],
    seed: int,
    count: int,
    draws: int,
) -> np.ndarray:
    """The thresholds with the best value for `labels`, bool (K,), if it is a real gain."""
    levels = np.unique(chances[:, labels])
    between = np.unique(((levels[:-1] + levels[1:]) / 2).round(5))
    if len(between) == 0:
        return thresholds
    if len(between) > count:
        between = between[np.linspace(0, len(between) - 1, count).round().astype(int)]

    def at(value: float) -> np.ndarray:
        return np.where(labels, value, thresholds)

    everything = slice(None)
    padded = np.pad([score(at(value), everything) for value in between], 1, mode="edge")
    smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    if not np.isfinite(smooth).any():
        return thresholds
    ties = np.flatnonzero(smooth >= np.nanmax(smooth) - 1e-12)
    present = float(thresholds[labels][0])
    best = at(float(between[ties[np.abs(between[ties] - present).argmin()]]))
    if not score(best, everything) > score(thresholds, everything):
        return thresholds
    real = gain_is_real(lambda rows: (score(best, rows), score(thresholds, rows)), groups, seed,
                        draws)  # fmt: skip
    return best if real else thresholds
