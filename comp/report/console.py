"""The console that everything is printed on, and the bar that stands below it."""

from __future__ import annotations

import sys
import time
from typing import Self, TextIO, cast

from rich.console import Console
from rich.progress import Progress, ProgressColumn

from comp.streams import OptionalStream

LINE_EVERY_S = 15.0
"""Seconds between the lines that stand for a bar where there is no terminal."""


def make_console(to_stderr: bool) -> Console:
    """A console on stdout or stderr; without colours or control codes when it is no terminal."""
    stream = sys.stderr if to_stderr else sys.stdout
    return Console(
        file=stream,
        highlight=False,
        markup=False,  # a path may hold square brackets
        emoji=False,
        soft_wrap=not stream.isatty(),
    )


class Live:
    """A console with a bar on it; a context manager, so that the bar ends whatever happens.

    The job that it shows goes on where nothing can be printed.

    Args:
        to_stderr: print there, and not on stdout.
        columns: of the bar; without any, rich's own. There is no bar where there is no terminal.
    """

    _said: float | None = None
    """When a line was printed last, or its clock began."""

    def __init__(self, to_stderr: bool, *columns: ProgressColumn) -> None:
        self._console = make_console(to_stderr)
        self._console.file = cast(TextIO, OptionalStream(cast(TextIO, self._console.file)))
        self._progress = Progress(
            *columns,
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )

    def now_and_then(self, words: str) -> None:
        """Print a line where there is no bar, each 15 s; none where all is over before."""
        now = time.perf_counter()
        if self._said is None:
            self._said = now
        elif not self._console.is_terminal and now - self._said > LINE_EVERY_S:
            self._said = now
            self._console.print(words)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
