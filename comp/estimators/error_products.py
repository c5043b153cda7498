"""Weights of a blend with the least squared error, from sums that are collected in one pass.

If the weights w have the sum 1, the squared error of a blend is w' E w, where E contains the sums
of the products of the errors of each two members. So only E is kept of any number of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

EVEN = 1e-6
"""Part of the mean error of the members that is added to the diagonal of E, so that members with
equal predictions have equal weights."""
LEAST_VARIANCE = 1e-12
LEAST_WEIGHT = 0.005
"""Smaller weights become 0."""
DIGITS = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorProducts:
    """Sums over the rows of M members and K outputs, float64."""

    rows: int
    products: np.ndarray
    """(K, M, M), of the error of one member times that of another."""
    totals: np.ndarray
    """(K,), of the targets."""
    squares: np.ndarray
    """(K,), of the squared targets."""

    @classmethod
    def of(cls, members: np.ndarray, targets: np.ndarray) -> ErrorProducts:
        """The sums of some rows.

        Args:
            members: predictions (M, N, K).
            targets: (N, K).
        """
        import numpy as np

        truth = np.asarray(targets, dtype=np.float64)
        errors = np.moveaxis(np.asarray(members, dtype=np.float64) - truth, 2, 0)
        return cls(
            rows=len(truth),
            products=errors @ errors.swapaxes(1, 2),
            totals=truth.sum(axis=0),
            squares=(truth**2).sum(axis=0),
        )

    def __add__(self, other: ErrorProducts) -> ErrorProducts:
        """The sums over the rows of both."""
        return ErrorProducts(
            rows=self.rows + other.rows,
            products=self.products + other.products,
            totals=self.totals + other.totals,
            squares=self.squares + other.squares,
        )

    def matrix(self) -> np.ndarray:
        """E (M, M), so that w' E w is the mean squared error of a blend, each output in units of
        the variance of its targets."""
        import numpy as np

        variance = self.squares / self.rows - (self.totals / self.rows) ** 2
        spread = np.maximum(variance, LEAST_VARIANCE)[:, None, None]
        mean: np.ndarray = (self.products / spread).mean(axis=0) / self.rows
        return mean


def sum_of(parts: Iterable[ErrorProducts]) -> ErrorProducts:
    """The sums over the rows of all parts, at least one."""
    return reduce(add, parts)


def least_error_weights(matrix: np.ndarray) -> tuple[float, ...]:
    """The weights w >= 0 of sum 1 with the least w' E w (Breiman, Stacked Regressions, 1996).

    With E = R'R, the weights are the solution of the non-negative least squares of (R w, sum of w)
    against (0, 1) (Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23), divided by
    their sum: for each sum s of w = s u the error s^2 u' E u is least if u' E u is. Weights below
    `LEAST_WEIGHT` become 0.

    Args:
        matrix: E, float64 (M, M).
    """
    import numpy as np
    from scipy.optimize import nnls

    count = len(matrix)
    mean = float(np.trace(matrix)) / count
    if not mean > 0:
        return (1 / count,) * count
    levels, directions = np.linalg.eigh(matrix / mean + EVEN * np.eye(count))
    root = np.sqrt(np.maximum(levels, 0))[:, None] * directions.T
    system = np.vstack([root, np.ones((1, count))])
    weights = nnls(system, np.append(np.zeros(count), 1.0), maxiter=30 * count)[0]
    shares = weights / weights.sum()
    shares[shares < LEAST_WEIGHT] = 0
    rounded = np.round(shares / shares.sum(), DIGITS)
    return tuple(float(weight) for weight in rounded / rounded.sum())
