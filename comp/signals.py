"""Signals that stop a run, held back while a step of training is under way.

The first SIGINT or SIGTERM lets a step of training end, so that the fold's state can be saved;
elsewhere, and at a further SIGINT, it stops at once. A step that takes too long is cut off between
its batches. Files are written aside and renamed, so that this breaks none. A process has its
signals once, so what is here belongs to the process. Python drops what is raised while an object
is being collected; so whoever works on for long asks again with `stop_if_requested`.
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
        super().__init__()
        self.number = number
        self.run: Path | None = None
        """The folder of the run that was under way."""


class _State:
    """What came, and whether a step is under way."""

    number: int | None = None
    since: float = 0.0
    busy: bool = False


@contextmanager
def handle_signals() -> Iterator[None]:
    """Handle the signals, in the main thread; they are as before afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _heard) for number in SIGNALS}
    _State.number, _State.busy = None, False
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _State.number, _State.busy = None, False


def _heard(number: int, _frame: FrameType | None) -> None:
    again = _State.number is not None and number == signal.SIGINT
    if _State.number is None:
        _State.since = time.monotonic()
    _State.number = number
    if again or not _State.busy:
        raise Stopped(number)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Hold the first signal back inside the block; `stop_if_requested` says where it may stop, and the
    end of the block does.

    Raises:
        Stopped: where a signal still waits at the end of the outermost block.
    """
    outer, _State.busy = _State.busy, True
    try:
        yield
    finally:
        _State.busy = outer
    if not outer:
        stop_if_requested()


@contextmanager
def allow_signals() -> Iterator[None]:
    """Let signals stop the block at once, inside of one that holds them back."""
    stop_if_requested()
    outer, _State.busy = _State.busy, False
    try:
        yield
    finally:
        _State.busy = outer


def stop_requested() -> bool:
    """Whether a signal came that is held back."""
    return _State.number is not None


def stop_if_requested(waited_s: float = 0.0) -> None:
    """Stop here, if a signal came, and has waited for so many seconds.

    Raises:
        Stopped: where one did.
    """
    if _State.number is not None and time.monotonic() - _State.since >= waited_s:
        raise Stopped(_State.number)
