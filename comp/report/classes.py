"""What was adapted to the test, and the classes that are decided on it, beside those out of
fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

IN_LINE, IN_TABLE = 4, 20
"""Most classes in a line and in a table: those whose shares differ most."""


def adaptation_lines(record: Mapping[str, Any]) -> list[str]:
    """What was adapted to the test images.

    Args:
        record: as `comp.pipeline.adapted.adaptation_record` returns it.
    """
    changed = f"; {record['changed']:,} decisions changed" if "changed" in record else ""
    return [
        f"adapted     {record['layers']} BatchNorm layers to {record['images']:,} test images; "
        f"their means differ by {record['shift']:.2f} standard deviations from those of "
        f"{record['reference']:,} training images; weight {record['weight']:.2f}{changed}",
        "only test predictions are adapted: the out-of-fold score is that of the networks as they "
        "were trained, and does not say how good the adapted predictions are",
    ]


def class_lines(record: Mapping[str, Any]) -> list[str]:
    """The shares in one line, what to try if they differ, and what was estimated.

    Args:
        record: as `comp.pipeline.class_report` describes it.
    """
    lines = [shares_line(record)] if "out_of_fold" in record else []
    lines += [record["advice"]] if record.get("advice") else []
    estimate = record.get("estimate")
    if estimate and estimate["applied"]:
        lines.append(
            "re-weighted as if the test differed in its class shares only: the out-of-fold score "
            "does not say how good the re-weighted predictions are"
        )
    elif estimate:
        lines.append(f"test predictions are not re-weighted: {estimate['reason']}")
    return lines


def shows_table(record: Mapping[str, Any]) -> bool:
    """Whether something changed, so that `classes_table` says more than a line."""
    return len(record["steps"]) > 1 or "estimate" in record


def shares_line(record: Mapping[str, Any]) -> str:
    """The shares of the decided classes on the test and out of fold, in one line.

    Args:
        record: as `comp.pipeline.class_report` describes it, of a run.
    """
    test, oof = record["steps"][-1]["shares"], record["out_of_fold"]
    differences = [one - other for one, other in zip(test, oof, strict=True)]
    named = [
        f"{record['classes'][index]} {test[index]:.1%} (out of fold {oof[index]:.1%})"
        for index in _largest(differences, IN_LINE)
    ]
    more = f", and {len(test) - IN_LINE} more classes" * (len(test) > IN_LINE)
    return f"decided on the test: {', '.join(named)}{more}"


def classes_table(record: Mapping[str, Any]) -> Table:
    """The shares of the decided classes after each step, beside those out of fold if they are
    known, and the estimated shares of the test."""
    table = Table(title="classes decided on the test")
    table.add_column("class")
    columns = {"out of fold": record["out_of_fold"]} if "out_of_fold" in record else {}
    columns |= {step["what"]: step["shares"] for step in record["steps"]}
    for name in columns:
        table.add_column(name, justify="right")
    estimate = record.get("estimate") or {}
    if "test" in estimate:
        table.add_column(f"estimated ({estimate['method']})", justify="right")
    first, last = record["steps"][0]["shares"], record["steps"][-1]["shares"]
    shown = _largest([one - other for one, other in zip(last, first, strict=True)], IN_TABLE)
    for index in shown:
        cells = [f"{shares[index]:.1%}" for shares in columns.values()]
        if "test" in estimate:
            cells.append(f"{estimate['test'][index]:.1%} \u00b1 {estimate['deviation'][index]:.1%}")
        table.add_row(record["classes"][index], *cells)
    table.add_section()
    known = [""] * ("out_of_fold" in record)
    changed = ["", *(f"{step['changed']:,}" for step in record["steps"][1:])]
    table.add_row("decisions changed", *known, *changed)
    return table


def _largest(differences: Sequence[float], count: int) -> list[int]:
    """The indices of the largest differences, in rising order."""
    order = sorted(range(len(differences)), key=lambda index: -abs(differences[index]))
    return sorted(order[:count])
