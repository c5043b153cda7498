"""The models of a blend and the importances of columns, as tables."""

from __future__ import annotations

from rich.table import Table

from comp.runs.results import RunSummary

SHOWN = 20
"""Columns in the table of importances."""


def member_table(summary: RunSummary) -> Table:
    """The mean score and weight of each model over the folds."""
    table = Table(title="models of the blend, means over the folds")
    table.add_column("model")
    table.add_column(summary.metric, justify="right")
    table.add_column("weight", justify="right")
    for name, values in summary.members.items():
        table.add_row(name, f"{values['score']:.5f}", f"{values['weight']:.2f}")
    return table


def importance_table(summary: RunSummary) -> Table:
    """How much worse the score of held-out rows is when a column is shuffled."""
    table = Table(title=f"by how much {summary.metric} is worse when a column is shuffled")
    table.add_column("column")
    table.add_column("importance", justify="right")
    listed = list(summary.importances.items())
    for name, value in listed[:SHOWN]:
        table.add_row(name, f"{value:.5g}")
    if len(listed) > SHOWN:
        table.add_row(f"and {len(listed) - SHOWN} more, in scores.json", "")
    return table
