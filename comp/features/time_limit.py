"""Features that would take too much of a budget are given up after a trial."""

from __future__ import annotations

import time
from collections.abc import Callable

from comp.config.schema import RunConfig
from comp.features.plan import OnImage

SHARE = 0.5
"""The largest share of a budget that the features may take."""
TRIAL_S = 3.0
"""Seconds after which their time is estimated."""


class TooSlowError(Exception):
    """Features take longer than they may. The argument says how long, for the user."""


def limit_s(config: RunConfig) -> float | None:
    """The seconds that the features may take; None without a budget, or if the user wants them at
    any price."""
    return SHARE * config.budget if config.budget and config.features.cache is not True else None


def too_slow(seconds: float, config: RunConfig) -> str:
    """Why features are given up that take so many seconds; "" if they are not."""
    limit = limit_s(config)
    if limit is None or seconds <= limit:
        return ""
    return f"they would take {seconds:.0f} s of the budget of {config.budget:.0f} s"


def limited(
    on_image: OnImage, config: RunConfig, clock: Callable[[], float] = time.perf_counter
) -> OnImage:
    """`on_image`, which ends the work with an error if it would take too long. The first batch is
    slow and does not count.

    Raises:
        TooSlowError: at a call.
    """
    first: list[tuple[float, int]] = []

    def counted(done: int, total: int) -> None:
        on_image(done, total)
        now = clock()
        if not first:
            first.append((now, done))
            return
        began, before = first[0]
        if now - began >= TRIAL_S:
            reason = too_slow((now - began) / (done - before) * total, config)
            if reason:
                raise TooSlowError(reason)

    return counted
