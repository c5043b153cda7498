"""An engine that runs its tasks in this process, the one that was submitted last first."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self

from comp.signals import Stopped


def carried(value: Any) -> Any:
    """A value as it arrives in another process."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301  what was pickled here


class InlineEngine:
    """Runs a task when somebody asks for events, so tasks end in another order than they start.

    Args:
        fails: (arguments of a task) -> what happens instead of the task; None: nothing.
    """

    def __init__(self, slots: int = 2, fails: Callable[..., BaseException | None] | None = None):
        self.slots, self.fails = slots, fails or (lambda *_: None)
        self.most, self.runs, self.stopped = 0, False, False
        self._waiting: list[tuple[Future[Any], Any]] = []
        self._events: list[Any] = []

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._waiting.append((future, carried((function, args))))
        self.most = max(self.most, len(self._waiting))
        assert len(self._waiting) <= self.slots
        return future

    def events(self) -> list[Any]:
        if self._waiting:
            future, task = self._waiting.pop()
            self._run(future, *task)
        events, self._events = self._events, []
        return events

    def _run(self, future: Future[Any], function: Callable[..., Any], args: Any) -> None:
        self.runs = True
        try:
            error = Stopped(15) if self.stopped else self.fails(*args)
            if error:
                raise error
            future.set_result(carried(function(*args, self._report)))
        except BaseException as error:
            future.set_exception(error)
        finally:
            self.runs = False

    def _report(self, event: Any) -> None:
        self._events.append(carried(event))

    def stop(self) -> None:
        self.stopped = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
