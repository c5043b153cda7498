"""The progress of a download."""

from __future__ import annotations

from rich.progress import TimeRemainingColumn, TransferSpeedColumn

from comp.report.console import Live


class DownloadReporter(Live):
    """Shows how many bytes are downloaded, checked and unpacked."""

    def __init__(self, to_stderr: bool = False) -> None:
        super().__init__(to_stderr, TransferSpeedColumn(), TimeRemainingColumn())

    def progress(self, doing: str, done: int, total: int | None) -> None:
        """Show how many bytes of a step are done; `total` is None if it is unknown."""
        of = f" of {total / 1e6:,.1f}" if total else ""
        self.show_progress(doing, done, total, f"{done / 1e6:,.1f}{of} MB")
