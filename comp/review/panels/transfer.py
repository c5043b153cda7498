"""What trains: each stage of the network, frozen or not, with its learning rate."""

from __future__ import annotations

from typing import Any

from comp.files import read_json
from comp.page.blocks import Panel, Paragraph, Table
from comp.page.words import Text, say
from comp.pipeline.stages import STAGES
from comp.review.facts import RunFacts


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None if no stage is recorded."""
    stages = next(filter(None, (_stages(fold.path) for fold in facts.folds)), None)
    if not stages:
        return None
    total = sum(stage["parameters"] for stage in stages)
    trained = sum(stage["parameters"] for stage in stages if not stage["frozen"])
    rows = [
        [
            stage["name"],
            stage["parameters"],
            _when(stage),
            stage["batch_norm"] or "-",
            stage["lr"] if stage["thaws"] is not None else None,
            stage["weight_decay"] if stage["thaws"] is not None else None,
        ]
        for stage in stages
    ]
    columns: list[Text] = [
        *(say("stage"), say("parameters"), say("trains"), "BatchNorm"),
        *(say("peak learning rate"), say("weight decay")),
    ]
    weights = facts.record.get("weights") or {}
    text = say(
        "{backbone}, weights: {kind}. At first {trained:,} of {total:,} parameters train.",
        backbone=str(facts.config.get("backbone", "")),
        kind=str(weights.get("kind", "")),
        trained=trained,
        total=total,
    )
    return Panel(
        id="transfer",
        title=say("What trains"),
        blocks=[Paragraph(text), Table(columns=columns, rows=rows, decimals=6, bars=1)],
        how_to_read=say(
            "A frozen stage keeps the weights that it starts with, and its BatchNorm keeps its "
            "statistics. With few images, freeze more; with many, thaw all with a lower learning "
            "rate for the early stages (optim.layer_decay)."
        ),
    )


def _stages(folder: Any) -> list[dict[str, Any]]:
    files = [folder / STAGES, *sorted(folder.glob(f"**/{STAGES}"))]
    for file in files:
        try:
            return list(read_json(file))
        except (OSError, ValueError, TypeError):
            continue
    return []


def _when(stage: dict[str, Any]) -> Text:
    if not stage["frozen"]:
        return say("from the start")
    if stage["thaws"] is None:
        return say("never (frozen)")
    return say("from epoch {epoch:g}", epoch=stage["thaws"])
