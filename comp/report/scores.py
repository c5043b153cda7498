"""Scores of decisions and numbers as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table

_USUAL_DRAWS = 1000
SHOWN = 20
"""Largest number of classes in a table."""
_CLASS = "sensitivity of "


def scores_table(all_scores: Sequence[Mapping[str, Any]], file: str = "") -> Group:
    """Scores of one or several decisions, such as two thresholds, and the confusion matrix of the
    last one, if it has one. Of more than 20 classes, the worst ones and the most confused pairs.

    The table has one row per score and one column per decision.

    Args:
        all_scores: the fields of each `comp.inference.scores.Scores`, at least one.
        file: where all classes are; "" if this is not said.
    """
    first, last = all_scores[0], all_scores[-1]
    draws = first.get("draws")
    table = Table(
        title=f"{first['n']:,} samples in {first['n_groups']:,} groups; 95 % intervals"
        + (f" by {draws} draws" if draws and draws < _USUAL_DRAWS else "")
    )
    table.add_column("score")
    for scores in all_scores:
        table.add_column(_heading(scores), justify="right")
    _, more = shown_names(last["estimates"])
    hidden = set(more)
    for name in (name for name in first["estimates"] if name not in hidden):
        cells = (_cell(scores["estimates"].get(name)) for scores in all_scores)
        table.add_row(name.replace("_", " "), *cells)
    if more:
        table.add_row(f"... {len(more):,} more{f', in {file}' if file else ''}")
    parts = [table]
    if last.get("confused"):  # not in the scores.json of older runs
        parts.append(confused_table(last))
    elif last["confusion"] and len(last["classes"]) <= SHOWN:
        parts.append(confusion_table(last))
    return Group(*parts)


def shown_names(estimates: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """The names of the scores that a table shows, and those of the other classes: of more than 20
    classes, those with the lowest sensitivity are shown."""
    classes = [name for name in estimates if name.startswith(_CLASS)]
    worst = set(sorted(classes, key=lambda name: estimates[name]["value"])[:SHOWN])
    more = [name for name in classes if name not in worst]
    hidden = set(more)
    return [name for name in estimates if name not in hidden], more


def confused_table(scores: Mapping[str, Any]) -> Table:
    """The most confused pairs of many classes."""
    table = Table(title=f"most confused of {len(scores['classes']):,} classes")
    for name in ("truth", "decided"):
        table.add_column(name)
    for name in ("samples", "of the truth"):
        table.add_column(name, justify="right")
    for truth, decided, count, share in scores["confused"]:
        table.add_row(truth, decided, f"{count:,}", f"{share:.1%}")
    return table


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


def _cell(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None:
        return ""
    low, high = estimate["low"], estimate["high"]
    value = _number(estimate["value"])
    if low is None or high is None:
        return f"{value} (no interval)"
    return f"{value} ({_number(low)} to {_number(high)})"


def _number(value: float) -> str:
    """Three decimals, or four digits of a number that is very small or large."""
    usual = value == 0 or 0.001 <= abs(value) < 1000
    return f"{value:.3f}" if usual else f"{value:.4g}"
