"""The learning rate range test: the rate rises step by step until the loss explodes.

L. N. Smith, Cyclical Learning Rates for Training Neural Networks, 2015 (arXiv 1506.01186); the
exponential rise and the two suggestions are those of the fastai library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from comp.errors import RunError

LOWEST_RATE, HIGHEST_RATE = 1e-7, 1.0
_LEAST_POINTS = 5
_TIMES = 4.0
_LAG = 0.1
"""The running mean looks back over this share of the steps."""
_WIDTH = 0.04
"""Deviation of the centred mean as a share of the steps: about a quarter of a power of ten."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What a range test saw: a loss for each learning rate, in the order of the steps.

    `smoothed` is a centred mean of the losses, `planned` the steps that were to be made.
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
        """The step at which the smoothed loss was lowest, from 0."""
        return int(np.argmin(self.smoothed))

    @property
    def fell(self) -> bool:
        """Whether the loss fell below where it began by more than three deviations of its noise.

        The noise is that of the first quarter of the steps, at rates that move little; at its
        lowest the smoothed loss is a mean of so many steps as have its variance.
        """
        first = np.asarray(self.losses[: max(_LEAST_POINTS, self.planned // 4)])
        averaged = max(1.0, 2 * math.sqrt(math.pi) * _WIDTH * self.planned)
        noise = first.std(ddof=1) * math.sqrt(1 / len(first) + 1 / averaged)
        return bool(first.mean() - self.smoothed[self.lowest] > 3 * noise)

    @property
    def steepest(self) -> int | None:
        """The step, from 0, at which the smoothed loss fell fastest over the logarithm of the rate,
        before it was lowest; None where it never fell."""
        if self.lowest == 0 or not self.fell:
            return None
        fall = np.gradient(np.asarray(self.smoothed), np.log10(self.rates))
        return int(np.argmin(fall[: self.lowest + 1]))

    @property
    def suggestion(self) -> float | None:
        """The rate of steepest descent, a good peak for most schedules; None if there is none."""
        return None if self.steepest is None else self.rates[self.steepest]

    @property
    def tenth(self) -> float | None:
        """A tenth of the rate of lowest loss, the other rule of thumb; None where it never fell."""
        return None if self.steepest is None else self.rates[self.lowest] / 10


def range_test(
    step: Callable[[float], float],
    steps: int,
    on_point: Callable[[int, float, float], None] | None = None,
) -> Curve:
    """Make up to `steps` (at least 2) training steps, at rates from 1e-7 to 1 evenly spaced in
    their logarithm.

    The test is over when the loss is not finite, or its running mean is above four times its
    lowest (of a negative loss: three times its size above it).

    Args:
        step: (learning rate) -> loss; makes one training step.
        on_point: (steps done, learning rate, loss) -> None, after each step.

    Raises:
        RunError: when the loss was not finite within the first steps.
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
        if len(rates) >= _LEAST_POINTS and total / share > _limit(best):
            break
    if len(rates) < min(_LEAST_POINTS, steps):
        raise RunError(
            f"the loss is not finite after {len(rates)} steps at learning rates below 1e-6: look "
            "at the data and the loss, or use precision fp32"
        )
    return Curve(rates=rates, losses=losses, smoothed=smooth(losses, steps), planned=steps)


def _limit(best: float) -> float:
    return best + (_TIMES - 1) * abs(best)


def smooth(losses: Sequence[float], steps: int) -> list[float]:
    """A Gaussian mean of the losses of a test of `steps` steps, centred, so that it does not lag
    behind as a running mean does. What exploded counts only as four times the lowest loss, or as
    the first one."""
    values = np.minimum(np.asarray(losses, dtype=np.float64), max(_limit(min(losses)), losses[0]))
    return [float(v) for v in gaussian_filter1d(values, _WIDTH * steps, mode="reflect")]
