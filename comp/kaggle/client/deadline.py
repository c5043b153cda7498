"""The time limit of a command, and calls that are abandoned when it is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from comp.errors import NetworkError

T = TypeVar("T")


class Deadline:
    """A time limit of `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, 0 after the deadline."""
        return max(0.0, self._end - time.monotonic())

    def check(self, action: str) -> None:
        """Check that time is left.

        Raises:
            NetworkError: the deadline has passed; `action` is the beginning of the message.
        """
        if not self.left:
            raise NetworkError(self.timeout_message(action))

    def timeout_message(self, action: str) -> str:
        """The error message after the deadline."""
        return (
            f"{action}: not done within {self.seconds:g} s, the time limit; try again later, or "
            "raise the limit with --timeout"
        )

    def sleep(self, seconds: float) -> None:
        """Sleep, but not beyond the deadline."""
        time.sleep(min(seconds, self.left))

    def run_within(self, action: str, work: Callable[[], T]) -> T:
        """Call `work` in a daemon thread and return its result. After the deadline the thread is
        abandoned; it ends with the process at the latest.

        Raises:
            NetworkError: the deadline passes first.
        """
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(work())
            except BaseException as error:  # raised again in the caller's thread
                errors.append(error)

        self.check(action)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(self.left)
        if errors:
            raise errors[0]
        if not results:
            raise NetworkError(self.timeout_message(action))
        return results[0]
