"""Cut points between ordered grades, fitted for a metric of decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from comp.contract.metric import Metric
from comp.inference.decisions import drawn_rows, gain_is_real, paired

ROWS = 1500
"""Samples on which cut points are fitted; of more, as many are drawn."""
SWEEPS = 3
"""Largest number of passes over all cut points."""
CANDIDATES = 10
"""Values that are tried for one cut point in one pass."""
DRAWS = 30
"""Draws of the bootstrap that tells a gain from chance."""
GAP = 1e-4
"""Smallest distance of two cut points."""

Score = Callable[[np.ndarray], float]
"""Cut points -> score, larger is better."""


def default_cuts(grades: int) -> tuple[float, ...]:
    """The cut points 0.5, 1.5, ... between `grades` grades: rounding."""
    return tuple(grade + 0.5 for grade in range(grades - 1))


def decide_grades(predictions: np.ndarray, cuts: Sequence[float] | np.ndarray) -> np.ndarray:
    """The number of cut points that a prediction reaches, int64, in the shape of `predictions`."""
    values = np.asarray(predictions, dtype=np.float64)
    return np.searchsorted(np.asarray(cuts, dtype=np.float64), values, side="right")


def best_cuts(
    targets: np.ndarray,
    predictions: np.ndarray,
    groups: Sequence[str],
    grades: int,
    metric: Metric,
    seed: int,
    ids: Sequence[str] = (),
) -> tuple[float, ...]:
    """The strictly rising cut points with the best metric of the decided grades.

    A coordinate search starts once from the default and once from the cut points that decide each
    grade as often as it occurs. The result is the default unless the gain is larger than two
    standard errors (`gain_is_real`).

    Args:
        targets: grades (N,) from 0.
        predictions: float (N,).
        groups: N names; the samples of one group are similar.
        ids: N ids of the samples, for metrics that need them.
    """
    default = np.array(default_cuts(grades))
    generator = np.random.default_rng(seed)
    rows = drawn_rows(len(targets), ROWS, seed)
    truth, values = targets[rows].astype(np.float64)[:, None], predictions[rows]
    if len(np.unique(values)) < 2 or len(np.unique(truth)) < 2:
        return default_cuts(grades)
    names = [groups[row] for row in rows.tolist()]
    sample_ids = [ids[row] for row in rows.tolist()] if ids else names
    sign = 1 if metric.direction == "max" else -1

    def score(cuts: np.ndarray, rows: np.ndarray | slice = slice(None)) -> float:
        decided = decide_grades(values[rows], cuts).astype(np.float64)[:, None]
        found = sign * metric.score(paired(truth, decided, sample_ids, names, rows))
        return found if np.isfinite(found) else -np.inf

    starts = [default, _matched(truth[:, 0], values, grades)]
    ends = [_searched(start, values, score, generator) for start in starts]
    best = max(ends, key=score)  # of equal ones the first, from the default
    if not score(best) > score(default):
        return default_cuts(grades)
    real = gain_is_real(lambda rows: (score(best, rows), score(default, rows)), names, seed, DRAWS)
    return tuple(best.tolist()) if real else default_cuts(grades)


def _matched(truth: np.ndarray, values: np.ndarray, grades: int) -> np.ndarray:
    """Cut points by which each grade is decided as often as it occurs."""
    below = [(truth <= grade).mean() for grade in range(grades - 1)]
    return _rising(np.quantile(values, below))


def _rising(cuts: np.ndarray) -> np.ndarray:
    """Rounded cut points, moved up where they do not rise by at least `GAP`."""
    rising = cuts.round(5)
    for i in range(1, len(rising)):
        rising[i] = max(rising[i], round(rising[i - 1] + GAP, 5))
    return rising


def _searched(
    start: np.ndarray, values: np.ndarray, score: Score, generator: np.random.Generator
) -> np.ndarray:
    """The cut points at the end of a coordinate search."""
    cuts, best = start.copy(), score(start)
    levels = np.unique(values)
    between = ((levels[:-1] + levels[1:]) / 2).round(5)
    for _ in range(SWEEPS):
        before = best
        for i in generator.permutation(len(cuts)):
            low = cuts[i - 1] + GAP if i else -np.inf
            high = cuts[i + 1] - GAP if i + 1 < len(cuts) else np.inf
            inside = between[(between > low) & (between < high)]
            if len(inside) > CANDIDATES:
                inside = inside[np.linspace(0, len(inside) - 1, CANDIDATES).round().astype(int)]
            for value in inside:
                trial = cuts.copy()
                trial[i] = value
                if (found := score(trial)) > best:
                    cuts, best = trial, found
        if not best > before:
            break
    return cuts
