"""The progress of a prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.progress import TimeRemainingColumn

from comp.report.classes import adaptation_lines, class_lines, classes_table, shows_table
from comp.report.console import Live


class PredictionReporter(Live):
    """Shows the progress of a prediction."""

    def __init__(self, to_stderr: bool = False) -> None:
        super().__init__(to_stderr, TimeRemainingColumn())

    def step(self, fold: int, done: int, total: int) -> None:
        """Show how many samples a fold has predicted."""
        self.show_progress(f"fold {fold}", done, total, f"{done}/{total}")

    def show_test(self, adaptation: Mapping[str, Any], classes: Mapping[str, Any] | None) -> None:
        """Show what was adapted to the samples, and the classes that are decided on them."""
        lines = adaptation_lines(adaptation) if adaptation else []
        for line in [*lines, *(class_lines(classes) if classes else [])]:
            self.note(line)
        if classes and shows_table(classes):
            self._console.print(classes_table(classes))

    def images_decoded(self, done: int, total: int) -> None:
        """Show how many images are decoded."""
        self.show_progress("decoding", done, total, f"{done}/{total}")
