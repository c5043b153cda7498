"""Scores of a classification as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table


def scores_table(all_scores: Sequence[Mapping[str, Any]]) -> Group:
    """Scores at one or several thresholds, and the confusion matrix at the last threshold.

    The table has one row per score and one column per threshold.

    Args:
        all_scores: the fields of each `comp.inference.scores.Scores`, at least one.
    """
    first, last = all_scores[0], all_scores[-1]
    table = Table(title=f"{first['n']:,} samples in {first['n_groups']:,} groups; 95 % intervals")
    table.add_column("score")
    for scores in all_scores:
        table.add_column(_heading(scores), justify="right")
    for name in first["estimates"]:
        cells = (_cell(scores["estimates"].get(name)) for scores in all_scores)
        table.add_row(name.replace("_", " "), *cells)
    return Group(table, confusion_table(last))


def confusion_table(scores: Mapping[str, Any]) -> Table:
    """The number of samples of each true class (rows) for each decision (columns)."""
    table = Table(title=_heading(scores))
    table.add_column("truth")
    for name in scores["classes"]:
        table.add_column(f"decided {name}", justify="right")
    for name, row in zip(scores["classes"], scores["confusion"], strict=True):
        table.add_row(name, *(f"{count:,}" for count in row))
    return table


def _heading(scores: Mapping[str, Any]) -> str:
    threshold = scores["threshold"]
    if threshold is None:
        return "most probable class"
    return "at 0.5" if threshold == 0.5 else f"at the tuned {threshold:g}"


def _cell(estimate: Mapping[str, float] | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"
