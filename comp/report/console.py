"""The console that everything is printed on, and the bar that stands below it."""

from __future__ import annotations

import sys
from typing import Self

from rich.console import Console
from rich.progress import Progress, ProgressColumn


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

    Args:
        to_stderr: print there, and not on stdout.
        columns: of the bar; without any, rich's own. There is no bar where there is no terminal.
    """

    def __init__(self, to_stderr: bool, *columns: ProgressColumn) -> None:
        self._console = make_console(to_stderr)
        self._progress = Progress(
            *columns,
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
