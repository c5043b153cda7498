"""How long a command may take in all, and work that is left behind when the time is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from comp.errors import NetworkError

T = TypeVar("T")


class Deadline:
    """So many seconds from now on."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, 0 when it is over."""
        return max(0.0, self._end - time.monotonic())

    def check(self, doing: str) -> None:
        """Raise NetworkError when it is over; `doing` says what was being done."""
        if not self.left:
            raise NetworkError(self.over(doing))

    def over(self, doing: str) -> str:
        """What to say when it is over."""
        return (
            f"{doing}: not done within {self.seconds:g} s, the time limit; try again later, or "
            "give it longer with --timeout"
        )

    def sleep(self, seconds: float) -> None:
        """Sleep, not beyond the end."""
        time.sleep(min(seconds, self.left))

    def within(self, doing: str, work: Callable[[], T]) -> T:
        """Do `work` in a thread, and leave it behind when the time is over: whatever hangs, hangs
        alone, and ends with the process.

        Raises:
            NetworkError: when the time is over first.
        """
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(work())
            except BaseException as error:  # raised again in the caller's thread
                errors.append(error)

        self.check(doing)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(self.left)
        if errors:
            raise errors[0]
        if not results:
            raise NetworkError(self.over(doing))
        return results[0]
