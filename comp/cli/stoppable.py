"""Turns a signal that stops a command into a message and an exit code."""

from __future__ import annotations

import atexit
import gc
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the block; a training first ends its step and saves it.

    Raises:
        StoppedError: a signal came; the message contains the command that continues. The exit code
            is 130 or 143.
    """
    from comp.errors import StoppedError
    from comp.signals import Stopped, first_stopped, handle_signals

    try:
        with handle_signals():
            yield
    except Stopped as stopped:
        atexit.register(gc.freeze)  # else a last collection delays the exit by seconds
        name, first = signal.Signals(stopped.number).name, first_stopped(stopped)
        error = StoppedError(f"stopped by {name}: {first.how or _advice(first.run)}")
        error.exit_code = 128 + stopped.number
        raise error from None


def _advice(run: Path | None) -> str:
    """How to continue: with a saved run, from the current folder, or with the same command."""
    if run is None:
        return f"nothing was saved; start again with '{shlex.join(['comp', *sys.argv[1:]])}'"
    out = run.absolute().parents[2]
    runs_option = "" if out == Path.cwd() else f" --runs {shlex.quote(str(out))}"
    return f"the run is saved; continue it with 'comp resume {run.name}{runs_option}'"
