"""The columns of a table that the models use most."""

from __future__ import annotations

from collections.abc import Mapping

from comp.page.blocks import Block, Figure, Panel, Paragraph
from comp.page.charts import Bar, BarChart
from comp.page.words import say
from comp.review.facts import RunFacts
from comp.review.figures.scatter import decimals_of

MOST = 30
"""Columns that are shown."""


def panel(facts: RunFacts) -> Panel | None:
    """The importances of the columns; None of a run without them."""
    by_fold = [fold.meta["importances"] for fold in facts.folds if fold.meta.get("importances")]
    mean = dict(facts.scores.get("importances") or mean_of(by_fold))
    if not mean:
        return None
    order = sorted(mean, key=lambda column: -mean[column])
    bars = []
    for column in order[:MOST]:
        values = [found[column] for found in by_fold if column in found]
        ends = (min(values), max(values)) if len(values) > 1 else (None, None)
        bars.append(Bar(label=column, value=float(mean[column]), low=ends[0], high=ends[1]))
    chart = BarChart(
        title=say("Importance of the columns"),
        bars=bars,
        value_label=say("by how much {metric} is worse without it", metric=facts.metric.name),
        decimals=decimals_of(max(map(abs, mean.values()))),
    )
    blocks: list[Block] = [Figure(chart)]
    if len(order) > MOST:
        words = say("The first {n} of {m} columns.", n=MOST, m=len(order))
        blocks.append(Paragraph(words))
    useless = [column for column in order if mean[column] <= 0]
    if useless:
        words = say(
            "Shuffling {n} of {m} columns does not make the score worse.",
            n=len(useless),
            m=len(order),
        )
        blocks.append(Paragraph(words))
    return Panel(
        id="columns",
        title=say("Columns"),
        blocks=blocks,
        how_to_read=say(
            "A bar says how much worse the held-out score gets if the values of the column are "
            "shuffled, so that they say nothing; its line goes from the lowest fold to the "
            "highest. Of two columns that say the same, each may look unimportant. One column that "
            "is far more important than all others may know the answer: check that the test data "
            "has it in the same way."
        ),
    )


def mean_of(by_fold: list[Mapping[str, float]]) -> dict[str, float]:
    """The mean importance of each column over the folds that have it."""
    columns = dict.fromkeys(column for found in by_fold for column in found)
    values = {c: [found[c] for found in by_fold if c in found] for c in columns}
    return {column: sum(found) / len(found) for column, found in values.items()}
