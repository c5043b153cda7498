"""The noise of a score on a test of another size than the training data.

A public test is a sample of groups. Draws of m of the G groups, with replacement, show how much a
score, or the difference of two scores on the same samples, varies from one such test to another
(the m out of n bootstrap: Bickel, Goetze and van Zwet, Resampling Fewer than n Observations,
Statistica Sinica 7, 1997). m is chosen so that a draw has as many samples as the test on average.
The groups of the test are assumed to be like those of the training data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from comp.inference.draws import drawn_scores
from comp.inference.paired import LEAST_DRAWS

DRAWS = 400
"""Draws of the bootstrap; the standard error of the noise is then 4 %."""


def score_noise(
    score: Callable[[np.ndarray], float],
    groups: Sequence[str],
    size: int,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    limit_s: float = 5.0,
) -> float | None:
    """The standard deviation of a score, or of a difference of scores, on a test of `size` samples.

    Draws for which the score is not defined are left out; None if fewer than 10 are left.

    Args:
        score: weights (N,), whole numbers from 0 -> score.
        groups: the group of each of the N samples.
        limit_s: no further draw of a score that is not cheap is made after this time, in seconds.
    """
    found = drawn_scores([score], sized_draws(groups, size, draws, seed), limit_s)[0]
    finite = found[np.isfinite(found)]
    return float(finite.std(ddof=1)) if len(finite) >= LEAST_DRAWS else None


def sized_draws(groups: Sequence[str], size: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Yield weights (N,): how often the group of each sample is drawn, so that a draw has `size`
    samples on average."""
    names, index = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    count = max(2, round(len(names) * size / len(index)))
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        drawn = rng.integers(len(names), size=count)
        yield np.bincount(drawn, minlength=len(names))[index].astype(np.float64)
