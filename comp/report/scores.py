"""Scores of decisions and numbers as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table


def scores_table(all_scores: Sequence[Mapping[str, Any]]) -> Group:
    """Scores of one or several decisions, such as two thresholds, and the confusion matrix of the
    last one, if it has one.

    The table has one row per score and one column per decision.

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
    return Group(table, confusion_table(last)) if last["confusion"] else Group(table)


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
    if scores.get("heading"):  # not in the scores.json of older runs
        return str(scores["heading"])
    if threshold is None:
        return "most probable class"
    return "at 0.5" if threshold == 0.5 else f"at the tuned {threshold:g}"


def _cell(estimate: Mapping[str, float] | None) -> str:
    if estimate is None:
        return ""
    value, low, high = (_number(estimate[key]) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _number(value: float) -> str:
    """Three decimals, or four digits of a number that is very small or large."""
    usual = value == 0 or 0.001 <= abs(value) < 1000
    return f"{value:.3f}" if usual else f"{value:.4g}"
