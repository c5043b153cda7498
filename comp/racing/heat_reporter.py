"""Shows the progress of a candidate, and stops one that is too slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from comp.errors import CompError
from comp.runs.progress import Reporter, Silent, Step


class TooSlowError(CompError):
    """A candidate needs more seconds than it has."""


class HeatReporter(Silent):
    """Shows the progress of a candidate, and stops one whose images and features take too long.

    Args:
        started: `time.perf_counter()` when the candidate began.
        limit_s: seconds after which its images and features must exist.
        tick: called often, while the candidate works.
    """

    def __init__(
        self,
        reporter: Reporter,
        name: str,
        started: float,
        limit_s: float,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._reporter, self._name, self._tick = reporter, name, tick
        self._started, self._limit_s = started, limit_s
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int, int, str] | None = None

    def image_s(self, doing: str, images: int) -> float:
        """Seconds of one of `images` images, by the pace of the last work, if it was `doing`; 0 if
        it was not, or was too short."""
        if self._last is None or self._first is None or self._last[3] != doing:
            return 0.0
        at, done, total, _ = self._last
        passes = max(1, done - self._first[1])
        return (at - self._first[0]) / passes * total / max(1, images)

    def step(self, step: Step) -> None:
        """Show the step with the name of the candidate."""
        self._tick()
        self._reporter.step(replace(step, part=self._name))

    def images_decoded(self, done: int, total: int, doing: str = "decoding") -> None:
        """Show how many images are done.

        Raises:
            TooSlowError: at this pace they take too long.
        """
        self._tick()
        now = time.perf_counter()
        if self._first is None or done <= self._first[1]:
            self._first = now, done
        self._last = now, done, total, doing
        self._reporter.images_decoded(done, total, doing)
        first_at, first = self._first
        if done > first and done < total:
            left = (now - first_at) / (done - first) * (total - done)
            if now - self._started + left > self._limit_s:
                need = now - self._started + left
                raise TooSlowError(f"too slow: {doing} {total:,} images takes {need:.0f} s")
