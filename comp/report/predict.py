"""Predictions on the terminal."""

from __future__ import annotations

from rich.progress import TaskID

from comp.report.console import Live


class PredictionReporter(Live):
    """Shows predictions as they are made."""

    def __init__(self, to_stderr: bool = False) -> None:
        super().__init__(to_stderr)
        self._tasks: dict[str, TaskID] = {}

    def step(self, fold: int, done: int, total: int) -> None:
        """Show how many samples a fold has predicted."""
        self._update(f"fold {fold}", done, total)

    def reading(self, done: int, total: int) -> None:
        """Show how many images are decoded."""
        self._update("decoding", done, total)

    def _update(self, name: str, done: int, total: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._tasks[name], completed=done)
        self.now_and_then(f"{name}  {done}/{total}")

    def say(self, line: str) -> None:
        """Print a line below the bars."""
        self._progress.stop()
        self._console.print(line)
