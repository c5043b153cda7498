"""The table of the scores of a run."""

from __future__ import annotations

from rich.table import Table

from comp.report.apart import apart, apart_cells, apart_rows
from comp.runs.results import RunSummary


def run_table(summary: RunSummary) -> Table:
    """The scores of the folds and of the run, and of the samples that are scored apart."""
    better = "lower" if summary.direction == "min" else "higher"
    table = Table(title=f"{summary.metric} of {summary.competition} ({better} is better)")
    table.add_column("fold")
    table.add_column("score", justify="right")
    table.add_column("steps", justify="right")
    for name in apart(summary):
        table.add_column(name, justify="right")
    for fold, score in summary.fold_scores.items():
        cells = [f"{score:.5f}", str(summary.plan[fold]), *apart_cells(summary, fold)]
        table.add_row(str(fold), *cells)
    table.add_section()
    table.add_row("out of fold", f"{summary.cv_score:.5f}", "")
    if len(summary.fold_scores) > 1:
        table.add_row("mean ± std", f"{summary.mean:.5f} ± {summary.std:.5f}", "")
    if summary.dropped:
        dropped = summary.dropped
        name = f"without {dropped['scored']:,} dropped"
        table.add_row(name, f"{dropped['score_without']:.5f}", "")
    for name, score_text in apart_rows(summary):
        table.add_row(name, score_text)
    return table
