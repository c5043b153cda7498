"""Scores beside that of the run: of other data, external and dropped samples, the full model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from comp.page.blocks import Block, Cell, Paragraph, Table
from comp.page.words import say


def apart_blocks(scores: Mapping[str, Any]) -> list[Block]:
    """What scores.json has of samples that are not in the score of the run, or not in its training.

    Args:
        scores: the contents of scores.json.
    """
    rows: list[list[Cell]] = []
    for name, key in ((say("data of validation"), "validation"), (say("external"), "external")):
        found = scores.get(key)
        if found:
            ends = [_number(found.get(end)) for end in ("score", "low", "high")]
            rows.append([name, found.get("n"), *ends])
    blocks: list[Block] = []
    if rows:
        columns = [say("samples of"), say("samples"), say("score"), say("low"), say("high")]
        caption = say("Scores that are not in the score of the run, with 95 % intervals")
        blocks.append(Table(columns=columns, rows=rows, caption=caption, decimals=5))
    dropped = scores.get("dropped")
    if dropped:
        text = say(
            "{samples:,} samples are dropped and do not train. {scored:,} predictions of such "
            "samples are in the score; without them it is {score:.5f}.",
            samples=int(dropped.get("samples") or 0),
            scored=int(dropped.get("scored") or 0),
            score=float(dropped.get("score_without", math.nan)),
        )
        blocks.append(Paragraph(text))
    full = scores.get("full")
    if full:
        text = say(
            "A model of all {samples:,} samples makes {share:.0%} of the test predictions. It "
            "holds nothing out, so it is in no score.",
            samples=int(full.get("samples") or 0),
            share=float(full.get("share") or 0.0),
        )
        blocks.append(Paragraph(text))
    return blocks


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
