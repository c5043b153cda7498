"""Predictions on the terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import Progress, TaskID

from comp.report.terminal import make_console


class PredictionReporter:
    """Shows predictions as they are made."""

    def __init__(self, to_stderr: bool = False) -> None:
        self._console = make_console(to_stderr)
        self._progress = Progress(
            console=self._console, disable=not self._console.is_terminal, transient=True
        )
        self._tasks: dict[int, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def step(self, fold: int, done: int, total: int) -> None:
        """Show how many samples a fold has predicted."""
        if fold not in self._tasks:
            self._tasks[fold] = self._progress.add_task(f"fold {fold}", total=total)
        self._progress.update(self._tasks[fold], completed=done)

    def say(self, line: str) -> None:
        """Print a line below the bars."""
        self._progress.stop()
        self._console.print(line)
