"""The further scores of a run with their intervals, as scores.json has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comp.page.blocks import Block, Cell, Table
from comp.page.words import Text, say


def estimate_tables(scores: Mapping[str, Any]) -> list[Block]:
    """A table for each decision that the run scored; empty of a run without them.

    Args:
        scores: the contents of scores.json.
    """
    return [
        Table(
            columns=[say("score"), say("value"), say("low"), say("high")],
            rows=_rows(entry),
            caption=_caption(entry),
        )
        for entry in scores.get("classes") or ()
        if entry.get("estimates")
    ]


def _rows(entry: Mapping[str, Any]) -> list[list[Cell]]:
    return [
        [name, *(float(found[key]) for key in ("value", "low", "high"))]
        for name, found in entry["estimates"].items()
    ]


def _caption(entry: Mapping[str, Any]) -> Text:
    n, groups = entry.get("n"), entry.get("n_groups")
    heading: Text = str(entry.get("heading") or "")
    threshold = entry.get("threshold")
    if not heading and threshold is not None:
        heading = say("threshold {threshold:.5g}", threshold=threshold)
    if heading:
        return say(
            "Scores with 95 % intervals over {n} samples in {groups} groups: {heading}",
            n=n,
            groups=groups,
            heading=heading,
        )
    return say("Scores with 95 % intervals over {n} samples in {groups} groups", n=n, groups=groups)
