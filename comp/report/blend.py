"""The progress and the result of a blend of runs."""

from __future__ import annotations

from rich.table import Table

from comp.report.clock import duration
from comp.report.console import Live
from comp.runs.blend_results import BlendMember, BlendSummary


class BlendReporter(Live):
    """Shows the progress and the result of a blend."""

    def progress(self, task: str, done: int, total: int) -> None:
        """Show how much of a task is done."""
        self.show_progress(task, done, total, f"{done}/{total}")
        if done == total:
            self.remove_bar()

    def summary(self, summary: BlendSummary) -> None:
        """Print the scores and weights, the verdict, and the paths of the results."""
        self.remove_bar()
        if summary.synthetic:
            self._console.print(
                "synthetic data: the score says nothing about the competition", style="bold yellow"
            )
        self._console.print(blend_table(summary))
        self.note(summary.verdict)
        self.note(f"submission  {summary.submission} ({summary.n_rows:,} rows, checked)")
        self.note(f"run         {summary.run_dir}")
        self.note(f"took {duration(summary.seconds)}")


def blend_table(summary: BlendSummary) -> Table:
    """One row per run with its score, its weight for the test set, and the range of its weights
    over the folds; then the equal mean and the blend."""
    better = "lower" if summary.direction == "min" else "higher"
    table = Table(title=f"{summary.metric} of {summary.competition} ({better} is better)")
    table.add_column("run", no_wrap=True)
    for column in (f"OOF {summary.metric}", "weight", "over the folds"):
        table.add_column(column, justify="right", no_wrap=True)
    for run in summary.runs:
        mark = " (best)" if run.run_id == summary.best else ""
        weight = "" if run.weight is None else f"{run.weight:.3f}"
        table.add_row(f"{run.run_id}{mark}", f"{run.score:.5f}", weight, _range(run))
    table.add_section()
    table.add_row("equal mean", f"{summary.mean_score:.5f}", "", "")
    table.add_row(f"{summary.method}, nested", f"{summary.cv_score:.5f}", "", "")
    return table


def _range(run: BlendMember) -> str:
    weights = run.fold_weights.values()
    return f"{min(weights):.3f} to {max(weights):.3f}" if weights else ""
