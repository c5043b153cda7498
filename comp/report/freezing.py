"""The freezing report: how each stage of a network trains."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from comp.runs.progress import StageReport


def freezing_table(parts: Sequence[StageReport]) -> Table:
    """A table of the stages from the input to the head, with the total of their parameters."""
    table = Table(title="how each stage of the network trains")
    table.add_column("stage")
    table.add_column("parameters", justify="right")
    table.add_column("trains")
    table.add_column("BatchNorm")
    table.add_column("peak lr", justify="right")
    table.add_column("weight decay", justify="right")
    for part in parts:
        lr = f"{part.lr:.1e}" if part.thaws is not None else "-"
        decay = f"{part.weight_decay:g}" if part.thaws is not None else "-"
        table.add_row(
            part.name, f"{part.parameters:,}", when(part), part.batch_norm or "-", lr, decay
        )
    table.add_section()
    total = sum(part.parameters for part in parts)
    trained = sum(part.parameters for part in parts if not part.frozen)
    table.add_row("all", f"{total:,}", f"{trained:,} at first", "", "", "")
    return table


def when(part: StageReport) -> str:
    """When a stage trains, as text."""
    if not part.frozen:
        return "from the start"
    if part.thaws is None:
        return "never (frozen)"
    return f"from epoch {part.thaws:g}"
