"""The progress and the result of a run of a few steps, whose scores mean nothing."""

from __future__ import annotations

from collections.abc import Sequence

from comp.report.clock import duration
from comp.report.terminal import TerminalReporter
from comp.runs.progress import StageReport
from comp.runs.results import RunSummary


class TrialReporter(TerminalReporter):
    """Shows the progress and the submission of a run, without its tables."""

    shows_folds = False

    def freezing_report(self, _fold: int, parts: Sequence[StageReport]) -> None:
        """Show nothing."""

    def summary(self, summary: RunSummary) -> None:
        """Print the paths of the results."""
        self.remove_bar()
        self.note(f"submission  {summary.submission} ({summary.n_rows:,} rows, checked)")
        self.note(f"run         {summary.run_dir}")
        self.note(f"took {duration(summary.seconds)}")
