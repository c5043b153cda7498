"""The further scores of a run with their intervals, as scores.json has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comp.inference.draws import MOST
from comp.page.blocks import Block, Cell, Paragraph, Table
from comp.page.words import Text, say
from comp.report.scores import shown_names


def estimate_tables(scores: Mapping[str, Any]) -> list[Block]:
    """A table for each decision that the run scored; empty of a run without them.

    Args:
        scores: the contents of scores.json.
    """
    entries = [entry for entry in scores.get("classes") or () if entry.get("estimates")]
    blocks: list[Block] = [
        Table(
            columns=[say("score"), say("value"), say("low"), say("high")],
            rows=_rows(entry),
            caption=_caption(entry),
        )
        for entry in entries
    ]
    draws = [entry["draws"] for entry in entries if entry.get("draws", MOST) < MOST]
    if draws:
        words = say(
            "The intervals are from {draws} draws, because more take long with so many samples "
            "and classes.",
            draws=min(draws),
        )
        blocks.append(Paragraph(words))
    return blocks


def _rows(entry: Mapping[str, Any]) -> list[list[Cell]]:
    """A row for each score; of many classes, those with the lowest sensitivity. A score that has
    no interval has empty cells."""
    estimates = entry["estimates"]
    names, more = shown_names(estimates)
    rows: list[list[Cell]] = [
        [name, *(_cell(estimates[name][key]) for key in ("value", "low", "high"))] for name in names
    ]
    if more:
        rows.append([say("... {n:,} more in classes.csv", n=len(more)), None, None, None])
    return rows


def _cell(value: float | None) -> float | None:
    return None if value is None else float(value)


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
