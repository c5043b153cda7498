"""The progress of a prediction."""

from __future__ import annotations

from rich.progress import TimeRemainingColumn

from comp.report.console import Live


class PredictionReporter(Live):
    """Shows the progress of a prediction."""

    def __init__(self, to_stderr: bool = False) -> None:
        super().__init__(to_stderr, TimeRemainingColumn())

    def step(self, fold: int, done: int, total: int) -> None:
        """Show how many samples a fold has predicted."""
        self.show_progress(f"fold {fold}", done, total, f"{done}/{total}")

    def images_decoded(self, done: int, total: int) -> None:
        """Show how many images are decoded."""
        self.show_progress("decoding", done, total, f"{done}/{total}")
