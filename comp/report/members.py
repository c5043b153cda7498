"""The models of a blend, the seeds of a run and the importances of columns, as tables."""

from __future__ import annotations

from rich.table import Table

from comp.runs.results import RunSummary

SHOWN = 20
"""Columns in the table of importances."""


def model_tables(summary: RunSummary) -> list[Table]:
    """The tables of what a run has: several models, several seeds, importances."""
    tables = {
        member_table: summary.members,
        seed_table: summary.seeds,
        importance_table: summary.importances,
    }
    return [make(summary) for make, values in tables.items() if values]


def full_line(summary: RunSummary) -> str:
    """What the model of all samples is, and how much it counts."""
    full = summary.full
    steps = f" in {full['steps']:,} steps" if full["steps"] else ""
    return (
        f"full model  trained on all {full['samples']:,} samples{steps}; {full['share']:.0%} of "
        "the test predictions, in no score because it holds nothing out"
    )


def member_table(summary: RunSummary) -> Table:
    """The mean score and weight of each model over the folds."""
    table = Table(title="models of the blend, means over the folds")
    table.add_column("model")
    table.add_column(summary.metric, justify="right")
    table.add_column("weight", justify="right")
    for name, values in summary.members.items():
        table.add_row(name, f"{values['score']:.5f}", f"{values['weight']:.2f}")
    return table


def seed_table(summary: RunSummary) -> Table:
    """The out-of-fold score of each seed alone, their spread, and that of the average."""
    table = Table(title="seeds, each alone over all folds")
    table.add_column("seed")
    table.add_column(summary.metric, justify="right")
    for seed, score in summary.seeds["scores"].items():
        table.add_row(str(seed), f"{score:.5f}")
    table.add_section()
    mean, std = summary.seeds["mean"], summary.seeds["std"]
    table.add_row("mean ± std", f"{mean:.5f} ± {std:.5f}")
    table.add_row("average of predictions", f"{summary.cv_score:.5f}")
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
