"""The scores of samples that are not in the score of a run: of other data, and external samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from comp.report.scores import scores_table
from comp.runs.results import RunSummary


def apart(summary: RunSummary) -> Mapping[str, Mapping[str, Any]]:
    """What was scored apart, by name."""
    found = {"validation": summary.validation, "external": summary.external}
    return {name: record for name, record in found.items() if record}


def apart_cells(summary: RunSummary, fold: int) -> list[str]:
    """The scores of a fold, a cell for each name of `apart`."""
    return [_number(record["fold_scores"].get(fold)) for record in apart(summary).values()]


def apart_rows(summary: RunSummary) -> list[tuple[str, str]]:
    """The rows of the table of scores: a name, and the score with its interval."""
    rows = []
    for name, record in apart(summary).items():
        low, high = record["low"], record["high"]
        interval = f" ({low:.5f} to {high:.5f})" if low is not None else ""
        rows.append((name, f"{_number(record['score'])}{interval}"))
    return rows


def apart_tables(summary: RunSummary) -> list[RenderableType]:
    """A line for each name that says what was scored, and the table of its further scores."""
    shown: list[RenderableType] = []
    for name, record in apart(summary).items():
        shown.append(f"{name}: {_what(name, record)}")
        if record["scores"]:
            shown.append(scores_table(record["scores"]))
    return shown


def _what(name: str, record: Mapping[str, Any]) -> str:
    count = f"{record['n']:,} samples"
    if record["groups"] < record["n"]:
        count += f" in {record['groups']:,} groups"
    if name == "external":
        return f"{count}, each by the fold that did not train on it; not in the score of the run"
    folds = len(record["fold_scores"])
    how = f"the mean of {folds} folds" if folds > 1 else "one fold"
    return (
        f"{count} of {record['path']}, by {how} with the decisions that are submitted; used for "
        "nothing else"
    )


def _number(score: float | None) -> str:
    return "not defined" if score is None else f"{score:.5f}"
