"""A download on the terminal: a live bar where there is one, a line now and then where not."""

from __future__ import annotations

from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from comp.report.console import Live


class DownloadReporter(Live):
    """Shows bytes as they come, are unpacked, and are checked."""

    def __init__(self, to_stderr: bool = False) -> None:
        super().__init__(
            to_stderr,
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self._task: tuple[str, TaskID] | None = None

    def note(self, words: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(words)

    def progress(self, doing: str, done: int, total: int | None) -> None:
        """Show that so many bytes of so many, where that is known, are done."""
        if not self._console.is_terminal:
            of = f" of {total / 1e6:,.1f}" if total else ""
            self.now_and_then(f"{doing}  {done / 1e6:,.1f}{of} MB")
            return
        if self._task is None or self._task[0] != doing:
            if self._task:
                self._progress.remove_task(self._task[1])
            self._task = doing, self._progress.add_task(doing, total=total)
        self._progress.update(self._task[1], completed=done, total=total)
