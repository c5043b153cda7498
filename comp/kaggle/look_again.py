"""Looks on Kaggle for what a lost request may have made, for a while, before it is sent again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from comp.errors import PendingError
from comp.kaggle.client.deadline import Deadline

LOOK_S, EVERY_S = 30.0, 5.0
"""For how long Kaggle is asked, and the seconds between two questions."""
T = TypeVar("T")


class StepReporter(Protocol):
    """Shows lines to the user."""

    def step(self, words: str) -> None:
        """Show a line."""


def look_again(
    find: Callable[[], T | None], deadline: Deadline, reporter: StepReporter
) -> T | None:
    """Call `find` until it returns something, at most for `LOOK_S`. Returns None if Kaggle still
    has nothing: what is sent then may be a second one, which a line says.

    Raises:
        PendingError: the deadline comes first.
    """
    reporter.step(f"looking     for {LOOK_S:g} s on Kaggle: what was sent may arrive late")
    end = time.monotonic() + LOOK_S
    while True:
        found = find()
        if found:
            return found
        left = end - time.monotonic()
        if left <= 0:
            reporter.step(
                "not there   it is sent again: if the first arrives after all, both count"
            )
            return None
        if deadline.left < left:
            raise PendingError(
                f"--retry-unknown looks on Kaggle for {LOOK_S:g} s before it sends again, and the "
                "time limit comes first: raise it with --timeout"
            )
        deadline.sleep(min(EVERY_S, left))
