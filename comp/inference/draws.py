"""How many draws a bootstrap makes, and their weights in blocks.

The number depends on the size of the data alone, not on the speed of the machine, so that intervals
are the same everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

MOST = 1000
"""Draws of a bootstrap of small data."""
LEAST = 200
"""Draws of a bootstrap of any data: percentile 2.5 is the mean of the fifth and sixth of them."""
WORK = 1_000_000_000
"""Samples times columns times draws; of more there are fewer draws."""
_PASSES = 10
"""What a draw costs besides its columns, in columns."""
_BLOCK = 1 << 27
"""Bytes of the weights that are in memory."""
_EXACT = 1 << 23
"""Sums of more weights than this need float64 to be exact."""


def draws_for(samples: int, columns: float, most: int = MOST, share: float = 1.0) -> int:
    """The number of draws of a score of a number of samples and columns: `most`, of large data
    fewer, but at least 200.

    Args:
        share: of the usual work and of the least number of draws.
    """
    work = max(1, samples) * (columns + _PASSES)
    return min(most, max(int(LEAST * share), int(WORK * share / work)))


@dataclass(frozen=True, kw_only=True)
class CheapScore:
    """A score of weighted samples that is made of numbers which are collected once.

    Args:
        one: weights (N,) -> score.
        columns: what a draw costs, in passes over the samples.
        many: weights (N, D) -> scores (D,), for scores that are faster for many draws at once.
    """

    one: Callable[[np.ndarray], float]
    columns: float = 1.0
    many: Callable[[np.ndarray], np.ndarray] | None = None

    def __call__(self, weights: np.ndarray) -> float:
        """The score of weights (N,)."""
        return self.one(weights)


def drawn_scores(
    scores: Sequence[Callable[[np.ndarray], float]],
    draws: Iterable[np.ndarray],
    limit_s: float = np.inf,
) -> np.ndarray:
    """Some scores on the same draws, float64 (S, D).

    Args:
        draws: the weights (N,) of each draw.
        limit_s: seconds after which no further draw is made of scores that are not cheap; these are
            metrics that compute each draw anew, and nobody knows how long they take.
    """
    cheap, found = all(isinstance(score, CheapScore) for score in scores), []
    end = np.inf if cheap else time.monotonic() + limit_s
    for block in blocks(draws):
        columns = [_many(score, block) for score in scores]
        for index, row in enumerate(block):
            weights = row.astype(np.float64)
            pairs = zip(scores, columns, strict=True)
            found.append([many[index] if many is not None else one(weights) for one, many in pairs])
            if time.monotonic() > end:
                return np.array(found).T
    return np.array(found, dtype=np.float64).reshape(-1, len(scores)).T


def _many(score: Callable[[np.ndarray], float], block: np.ndarray) -> np.ndarray | None:
    """The scores of the weights (D, N) of a block, if the score computes them at once."""
    if not isinstance(score, CheapScore) or score.many is None:
        return None
    return score.many(np.ascontiguousarray(block.T))


def columns_of(*scores: Callable[[np.ndarray], float]) -> float:
    """What a draw of some scores costs, in passes over the samples."""
    return sum(score.columns if isinstance(score, CheapScore) else 1.0 for score in scores)


def blocks(draws: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the weights (N,) of draws in blocks (D, N) of several draws."""
    rest = iter(draws)
    for first in rest:
        most = max(1, _BLOCK // (max(1, len(first)) * np.dtype(np.float32).itemsize))
        rows = [*chain([first], islice(rest, most - 1))]
        exact = max(float(row.sum()) for row in rows) < _EXACT
        yield np.array(rows, dtype=np.float32 if exact else np.float64)
