"""The console for all output, and its progress bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterable
from typing import Self, TextIO, cast

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from comp.report.escaping import escape_unprintable
from comp.report.notebook import NotebookProgress, in_notebook
from comp.report.parts import Parts
from comp.streams import OptionalStream

LINE_EVERY_S = 15.0
"""Seconds between two progress lines if there is no bar."""
_BAR_WIDTH = 10


def make_console(to_stderr: bool) -> Console:
    """A console on stdout or stderr; without colours or control codes if it is not a terminal."""
    stream = sys.stderr if to_stderr else sys.stdout
    return Console(
        file=stream,
        highlight=False,
        markup=False,  # a path may contain square brackets
        emoji=False,
        soft_wrap=not stream.isatty(),
        force_jupyter=False,  # text: rich's HTML would be one output cell per line
    )


class PinnedProgress(Progress):
    """Bars, and what is pinned above them."""

    pinned: RenderableType | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is pinned, and the bars."""
        if self.pinned is not None:
            yield self.pinned
        if self.tasks:
            yield self.make_tasks_table(self.tasks)


class PartsColumn(ProgressColumn):
    """The text of a task, of which as much is shown as has room."""

    max_refresh = None

    def render(self, task: Task) -> RenderableType:
        """Text is cut at its end; parts are left out."""
        text: str | Parts = task.fields["text"]
        return text if isinstance(text, Parts) else Text(text, no_wrap=True, overflow="ellipsis")


class Live:
    """A console with one progress bar, for the task that was shown last, or after `show_several`
    with one for each task. Something can be pinned above the bars; messages are printed above it.

    A bar needs a terminal or a notebook; elsewhere a line is printed every 15 s. Output that
    cannot be written does not stop the job. The context manager removes the bar.

    Args:
        to_stderr: print on stderr instead of stdout.
        columns: of the bar, after the task, the bar itself and the text.
    """

    def __init__(self, to_stderr: bool, *columns: ProgressColumn) -> None:
        self._console = make_console(to_stderr)
        self._console.file = cast(TextIO, OptionalStream(cast(TextIO, self._console.file)))
        text = Column(no_wrap=True, ratio=1)  # if the terminal is narrow, it is cut, not the name
        self._progress = self._make_progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=_BAR_WIDTH),
            PartsColumn(text),
            *columns,
        )
        self._tasks: dict[str, TaskID] = {}
        self._several = False
        self._last_line_at: dict[str, float] = {}

    def _make_progress(self, *columns: ProgressColumn) -> Progress:
        notebook, console = in_notebook(), self._console
        moves = console.is_terminal and not console.is_dumb_terminal
        self._has_bar = notebook or moves
        if notebook:
            return NotebookProgress(*columns)
        return PinnedProgress(
            *columns, console=console, disable=not self._has_bar, transient=True, expand=True
        )

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(escape_unprintable(text), soft_wrap=True)

    def pin(self, pinned: RenderableType | None) -> None:
        """Keep something above the bars, until it is replaced or None removes it. It needs a
        terminal; elsewhere nothing is shown."""
        if isinstance(self._progress, PinnedProgress) and self._has_bar:
            self._progress.pinned = pinned
            if pinned is not None:
                self._progress.start()
            elif not self._tasks:
                self._progress.stop()

    @property
    def _pinned(self) -> bool:
        return getattr(self._progress, "pinned", None) is not None

    def show_progress(self, task: str, done: int, total: int | None, text: str | Parts) -> None:
        """Show how much of a task is done, in the bar or by a line every 15 s.

        The first line comes 15 s after the first call, so a short task prints none. A bar shows the
        end of a task even if it is removed at once.
        """
        if not self._has_bar:
            self._print_sometimes(task, f"{task}  {text}")
            return
        if task not in self._tasks:
            if not self._several:
                self.remove_bar()
            self._progress.start()
            self._tasks[task] = self._progress.add_task(task, total=total, text="")
        bar, ends = self._tasks[task], done == total
        self._progress.update(bar, completed=done, total=total, text=text, refresh=ends)

    def show_several(self) -> None:
        """From now on show several tasks at the same time, one bar for each."""
        self._several = True

    def remove_bar(self, task: str = "") -> None:
        """Remove the bars of a task and of its parts, or all, until the next call of
        `show_progress`."""
        parts = f"{task}," if task else ""
        for name in list(self._tasks):
            if name == task or name.startswith(parts):
                self._progress.remove_task(self._tasks.pop(name))
        if not self._tasks and not self._pinned:
            self._progress.stop()

    def keep_bars(self, tasks: Collection[str]) -> None:
        """Remove the bars of all other tasks."""
        for name in [name for name in self._tasks if name not in tasks]:
            self._progress.remove_task(self._tasks.pop(name))

    def _print_sometimes(self, task: str, line: str) -> None:
        """Print a line every 15 s of a task."""
        now = time.perf_counter()
        if now - self._last_line_at.setdefault(task, now) > LINE_EVERY_S:
            self._last_line_at[task] = now
            self._console.print(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pin(None)
        self.remove_bar()
