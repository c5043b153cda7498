"""Scores with 95 % intervals: percentiles 2.5 and 97.5 of a bootstrap that draws whole groups
(Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).

Samples of one group, such as the images of one patient, are similar, so they are drawn together.
What fewer than 5 groups say has no interval: each of 200 draws of one sample is that sample, and
its interval would have no width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comp.inference.draws import blocks
from comp.inference.measures import group_draws

LEAST_GROUPS = 5
"""What fewer groups say has no interval."""
LEAST_DRAWS = 10
"""A score that is defined in fewer draws has no interval."""
_TAIL = 0.025

Measure = Callable[[np.ndarray, np.ndarray], Mapping[str, float]]
"""(weights of the samples (N,), what `Bootstrap.columns` returns of them (K,)) -> scores."""


@dataclass(frozen=True)
class Estimate:
    """A score in 0..1 and its 95 % interval; the ends are None if it cannot be known.

    The interval is widened to include the value, because resampling tends to increase a calibration
    error. A share of 0 or 1 is the same in all draws; then the interval is that of a binomial with
    as many trials as groups (Clopper and Pearson, Biometrika 26, 1934).
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """How scores are drawn.

    Args:
        draws: how often all groups are drawn, with replacement.
        needed: class indices (N,); draws that lack one of those that occur are left out.
        columns: weights (N, D) -> numbers of K columns (D, K) that are computed for many draws at
            once, such as areas under ROC curves.
        counts: the number of groups that say something about a score, by the name of the score;
            others are about all groups.
        shares: the names of scores that are shares of samples.
    """

    groups: Sequence[str]
    draws: int
    seed: int
    needed: np.ndarray | None = None
    columns: Callable[[np.ndarray], np.ndarray] | None = None
    counts: Mapping[str, int] | None = None
    shares: frozenset[str] = frozenset()

    def estimates(self, measure: Measure) -> dict[str, Estimate]:
        """The scores that are defined, with their intervals."""
        drawn = [*self._drawn(measure)]
        everyone = np.ones((1, len(self.groups)), dtype=np.float32)
        whole = measure(everyone[0].astype(np.float64), self._columns(everyone)[0])
        n_groups, counts = len(set(self.groups)), self.counts or {}
        return {
            name: estimate_of(
                value,
                [scores[name] for scores in drawn],
                counts.get(name, n_groups),
                share=name in self.shares,
            )
            for name, value in whole.items()
            if np.isfinite(value)
        }

    def _drawn(self, measure: Measure) -> Iterator[Mapping[str, float]]:
        """The scores of the draws."""
        needed = self.needed
        present = np.empty(0, dtype=np.int64) if needed is None else np.unique(needed)
        for block in blocks(group_draws(self.groups, self.draws, self.seed)):
            for row, columns in zip(block, self._columns(block), strict=True):
                weights = row.astype(np.float64)
                if needed is None or np.bincount(needed, weights)[present].all():
                    yield measure(weights, columns)

    def _columns(self, block: np.ndarray) -> np.ndarray:
        """The numbers of the columns for the weights (D, N) of a block."""
        if self.columns is None:
            return np.empty((len(block), 0))
        return self.columns(np.ascontiguousarray(block.T))


def estimate_of(
    value: float, drawn: Sequence[float], groups: int, *, share: bool = False
) -> Estimate:
    """A score with the interval of its draws.

    Args:
        groups: how many groups the score is about.
        share: whether it is a share of the samples.
    """
    values = np.asarray(drawn, dtype=np.float64)
    values = values[np.isfinite(values)]
    if groups < LEAST_GROUPS or len(values) < LEAST_DRAWS:
        return Estimate(float(value), None, None)
    low, high = np.percentile(values, [100 * _TAIL, 100 * (1 - _TAIL)])
    bound = _TAIL ** (1 / groups)
    if share and value == 1:
        low = min(low, bound)
    if share and value == 0:
        high = max(high, 1 - bound)
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))


def groups_by_class(truth: np.ndarray, groups: Sequence[str], count: int) -> np.ndarray:
    """In how many groups each of `count` classes occurs, int (count,)."""
    names, index = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    cells = np.unique(truth * len(names) + index)
    return np.bincount(cells // max(1, len(names)), minlength=count)
