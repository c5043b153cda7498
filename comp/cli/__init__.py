"""The command line: parse, call one function, print."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from comp.cli.started import BEGAN as _BEGAN  # noqa: F401  the clock starts with this import
from comp.streams import guarded, say

UNHEARD = 141
"""Exit code of a command whose output nobody reads to its end, as of one that SIGPIPE ends."""


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network unasked
    sys.stdout = sys.stdout or _nowhere()  # None where the caller closed it
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not all can be printed everywhere
    with guarded(), _interruptible():
        try:
            code = _called()
        except (BrokenPipeError, SystemExit) as error:
            # typer and rich make an exit of a broken pipe
            if BrokenPipeError not in (type(error), type(error.__context__)):
                raise
            code = UNHEARD
    sys.exit(code)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Say that Ctrl-C stopped the command, at whatever moment it came."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(_say("interrupted", 130))


def _called() -> int:
    """Call the command; returns its exit code."""
    import typer

    from comp.cli.app import app
    from comp.errors import CompError

    try:
        code = app(prog_name="comp", standalone_mode=False) or 0
        sys.stdout.flush()
    except CompError as error:
        return _say(str(error), error.exit_code)
    except _usage_error() as error:
        return _say(f"{error.format_message()} (see comp --help)", 2)
    except typer.Abort:
        return _say("interrupted", 130)
    if code == 130:  # what typer makes of Ctrl-C, without a word
        raise KeyboardInterrupt
    return int(code)


def _nowhere() -> TextIO:
    """A stream that takes everything and keeps nothing."""
    return Path(os.devnull).open("w", encoding="utf-8", errors="replace")


def _usage_error() -> Any:
    """The base of typer's usage errors, which click or typer defines, depending on the release."""
    import typer

    return typer.BadParameter.mro()[1]


def _say(message: str, code: int) -> int:
    """Print one line on stderr and return the exit code."""
    from comp.report.names import visible

    say(visible(" ".join(message.split())))
    return code
