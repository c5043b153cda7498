"""SIGINT and SIGTERM stop a run, but not in the middle of a training step.

After the first signal a training step still ends, so that the state of the fold can be saved; a
step that takes too long stops between two batches. Outside of a step, and at a second SIGINT, the
run stops at once. This damages no file: files are written under a temporary name and renamed.

Signals belong to the process, and so does the state of this module. Python ignores an exception in
a finalizer, so a `Stopped` may be lost there: long work calls `stop_if_requested` again.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal stopped the run."""

    def __init__(self, number: int) -> None:
        super().__init__(number)  # pickle calls Stopped(*args)
        self.number = number
        self.run: Path | None = None
        """The folder of the run that was stopped."""
        self.how = ""
        """What is saved and which command continues it, if it is not a run."""


def first_stopped(stopped: Stopped) -> Stopped:
    """The signal that knows what was stopped. After a second Ctrl-C it is the first one: the second
    came while the first left the run."""
    before: BaseException | None = stopped
    while before is not None:
        if isinstance(before, Stopped) and (before.run or before.how):
            return before
        before = before.__context__
    return stopped


class _State:
    """The first signal with its time, and whether signals are deferred."""

    number: int | None = None
    since: float = 0.0
    deferred: bool = False
    at_once: bool = False


@contextmanager
def handle_signals() -> Iterator[None]:
    """Handle SIGINT and SIGTERM inside the block; does nothing outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _on_signal) for number in SIGNALS}
    _State.number, _State.deferred = None, False
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _State.number, _State.deferred = None, False


def _on_signal(number: int, _frame: FrameType | None) -> None:
    repeated = _State.number is not None and number == signal.SIGINT
    if _State.number is None:
        _State.since = time.monotonic()
    _State.number = number
    if repeated or not _State.deferred:
        raise Stopped(number)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Defer the first signal to the next `stop_if_requested`, or to the end of the block.

    Raises:
        Stopped: a signal came inside the outermost block.
    """
    outer, _State.deferred = _State.deferred, not _State.at_once
    try:
        yield
    finally:
        _State.deferred = outer
    if not outer:
        stop_if_requested()


@contextmanager
def allow_signals() -> Iterator[None]:
    """Let signals stop the block at once, inside a block of `defer_signals`."""
    stop_if_requested()
    outer, _State.deferred = _State.deferred, False
    try:
        yield
    finally:
        _State.deferred = outer


@contextmanager
def stop_at_once() -> Iterator[None]:
    """Let signals stop the block at once, even inside `defer_signals`, because it saves nothing."""
    outer, _State.at_once = _State.at_once, True
    try:
        with allow_signals():
            yield
    finally:
        _State.at_once = outer


def stop_requested() -> bool:
    """Whether a signal came."""
    return _State.number is not None


def signal_number() -> int:
    """The last signal that came; 0 without one."""
    return _State.number or 0


def stop_if_requested(waited_s: float = 0.0) -> None:
    """Stop if a signal came at least `waited_s` seconds ago.

    Raises:
        Stopped: one did.
    """
    if _State.number is not None and time.monotonic() - _State.since >= waited_s:
        raise Stopped(_State.number)
