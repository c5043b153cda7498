"""What an engine does: it runs functions in other processes, here or on other machines."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, Self

Report = Callable[[Any], None]
"""Sends an event, which can be pickled, from a running task to `Engine.events`."""
RETRY = "COMP_TASK_RETRY"
"""Variable of the environment of a task that starts again: how it died before."""


class TaskTraceback(Exception):  # noqa: N818  nobody raises it
    """The text of the traceback in the process of a task; the cause of the exception here."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class TaskDiedError(Exception):
    """The process of a task ended without a result; the message says how."""


class Engine(Protocol):
    """Runs tasks, `slots` of them at the same time.

    A task is a function of a module, called as `function(*args, report)`. The function, its
    arguments, its result and its exceptions can be pickled. Each task has a process with its own
    device and its share of the cores; torch is not loaded in it before the task starts.
    """

    @property
    def slots(self) -> int:
        """How many tasks run at the same time."""

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a task as soon as a slot is free."""

    def events(self) -> list[Any]:
        """What the running tasks reported since the last call, in the order of each task."""

    def stop(self) -> None:
        """Ask the running tasks to save their state and to end with `comp.signals.Stopped`."""

    def __enter__(self) -> Self:
        """Start the engine."""

    def __exit__(self, *error: object) -> None:
        """Stop what still runs, and wait for it."""
