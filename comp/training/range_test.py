"""The learning rate range test: the rate rises step by step until the loss explodes.

L. N. Smith, Cyclical Learning Rates for Training Neural Networks, 2015 (arXiv 1506.01186). The
exponential rise and the two suggestions follow the fastai library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from comp.errors import RunError

LOWEST_RATE, HIGHEST_RATE = 1e-7, 1.0
_MIN_POINTS = 5
_EXPLODED = 4.0
"""The test stops when the running mean of the loss is this many times its lowest value."""
_LAG = 0.1
"""Time constant of the running mean, as a share of the steps."""
_WIDTH = 0.04
"""Standard deviation of the centred Gaussian mean, as a share of the steps: about a quarter of a
power of ten."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The result of a range test: a loss for each learning rate, in the order of the steps.

    `smoothed` is a centred mean of the losses, `planned` the planned number of steps.
    """

    rates: Sequence[float]
    losses: Sequence[float]
    smoothed: Sequence[float]
    planned: int

    @property
    def exploded(self) -> bool:
        """Whether the loss exploded before the last step."""
        return len(self.rates) < self.planned

    @property
    def lowest(self) -> int:
        """The step with the lowest smoothed loss, from 0."""
        return int(np.argmin(self.smoothed))

    @property
    def fell(self) -> bool:
        """Whether the loss fell below its start by more than three standard deviations of the
        noise.

        The noise is measured in the first quarter of the steps, whose rates change little. The
        smoothed loss has the variance of a mean over `averaged` steps.
        """
        first = np.asarray(self.losses[: max(_MIN_POINTS, self.planned // 4)])
        averaged = max(1.0, 2 * math.sqrt(math.pi) * _WIDTH * self.planned)
        noise = first.std(ddof=1) * math.sqrt(1 / len(first) + 1 / averaged)
        return bool(first.mean() - self.smoothed[self.lowest] > 3 * noise)

    @property
    def steepest(self) -> int | None:
        """The step, from 0, at which the smoothed loss fell fastest over the logarithm of the rate,
        up to the lowest loss; None if it never fell."""
        if self.lowest == 0 or not self.fell:
            return None
        fall = np.gradient(np.asarray(self.smoothed), np.log10(self.rates))
        return int(np.argmin(fall[: self.lowest + 1]))

    @property
    def suggestion(self) -> float | None:
        """The rate of steepest descent, a good peak for most schedules; None if it never fell."""
        return None if self.steepest is None else self.rates[self.steepest]

    @property
    def tenth(self) -> float | None:
        """A tenth of the rate of the lowest loss, another rule of thumb; None if it never fell."""
        return None if self.steepest is None else self.rates[self.lowest] / 10


def range_test(
    step: Callable[[float], float],
    steps: int,
    on_point: Callable[[int, float, float], None] | None = None,
) -> Curve:
    """Make up to `steps` (at least 2) training steps, at rates from 1e-7 to 1, evenly spaced on a
    logarithmic scale.

    The test stops if the loss is not finite, or if its running mean is above four times its lowest
    value (for a negative loss: three times its absolute value above it).

    Args:
        step: (learning rate) -> loss; makes one training step.
        on_point: (steps done, learning rate, loss) -> None, called after each step.

    Raises:
        RunError: the loss is not finite within the first steps.
    """
    rates: list[float] = []
    losses: list[float] = []
    keep, total, share, best = max(0.0, 1 - 1 / (_LAG * steps)), 0.0, 0.0, math.inf
    for rate in np.geomspace(LOWEST_RATE, HIGHEST_RATE, steps).tolist():
        loss = step(rate)
        if not math.isfinite(loss):
            break
        rates.append(rate)
        losses.append(loss)
        if on_point:
            on_point(len(rates), rate, loss)
        total, share = keep * total + (1 - keep) * loss, keep * share + (1 - keep)
        best = min(best, total / share)
        if len(rates) >= _MIN_POINTS and total / share > _limit(best):
            break
    if len(rates) < min(_MIN_POINTS, steps):
        raise RunError(
            f"the loss is not finite after {len(rates)} steps at learning rates below 1e-6: check "
            "the data and the loss, or use precision fp32"
        )
    return Curve(rates=rates, losses=losses, smoothed=smooth(losses, steps), planned=steps)


def _limit(best: float) -> float:
    return best + (_EXPLODED - 1) * abs(best)


def smooth(losses: Sequence[float], steps: int) -> list[float]:
    """The centred Gaussian mean of the losses of a test of `steps` steps. It does not lag, unlike a
    running mean. An exploded loss is cut to four times the lowest loss, or to the first loss if
    that is higher."""
    values = np.minimum(np.asarray(losses, dtype=np.float64), max(_limit(min(losses)), losses[0]))
    return [float(v) for v in gaussian_filter1d(values, _WIDTH * steps, mode="reflect")]
