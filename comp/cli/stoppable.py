"""Signals that stop a run, in words and as an exit code."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGINT and SIGTERM end the step under way and save it.

    Raises:
        StoppedError: with the command that goes on, exit code 130 or 143.
    """
    from comp.errors import StoppedError
    from comp.signals import Stopped, handle_signals

    try:
        with handle_signals():
            yield
    except Stopped as stopped:
        name = signal.Signals(stopped.number).name
        error = StoppedError(f"stopped by {name}{_how(stopped.run)}")
        error.exit_code = 128 + stopped.number
        raise error from None


def _how(run: Path | None) -> str:
    """The command that goes on with a run, from the current folder."""
    if run is None:
        return ""
    out = run.absolute().parents[2]
    where = "" if out == Path.cwd() else f" --runs {shlex.quote(str(out))}"
    return f"; 'comp resume {run.name}{where}' goes on"
