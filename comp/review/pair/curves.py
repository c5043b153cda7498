"""The curves of two runs over each other."""

from __future__ import annotations

from comp.page.blocks import Block, Figure, Panel
from comp.page.charts import LineChart, Series
from comp.page.words import Text, say
from comp.review.pair.both import Both

MOST_FOLDS = 5
"""Folds of a run whose curves are drawn."""


def panel(both: Both) -> Panel | None:
    """The panel; None if neither run trained a network."""
    if not any(fold.history for facts in (both.first, both.second) for fold in facts.folds):
        return None
    parts: list[tuple[Text, str, Text]] = [
        (say("Held-out score while training"), "score", both.found.metric),
        (say("Training loss, the mean since the last validation"), "loss", say("loss")),
    ]
    blocks: list[Block] = [
        Figure(
            LineChart(
                title=title,
                series=series(both, key),
                x_label=say("optimizer steps"),
                y_label=label,
            )
        )
        for title, key, label in parts
    ]
    return Panel(
        id="curves",
        title=say("Curves"),
        blocks=blocks,
        how_to_read=say(
            "Lines of A have one colour, and dashed lines of B another; there is a line for each "
            "fold. The better run is further up, or further down if lower is better. Compare "
            "losses only if both runs have the same loss function."
        ),
    )


def series(both: Both, key: str) -> list[Series]:
    """A line for each fold of both runs."""
    found = []
    for index, (letter, facts) in enumerate(both.named):
        for fold in facts.folds[:MOST_FOLDS]:
            lines = [line for line in fold.history if line.get(key) is not None]
            if lines:
                found.append(
                    Series(
                        name=say("{run}, fold {n}", run=letter, n=fold.fold),
                        x=[float(line["step"]) for line in lines],
                        y=[float(line[key]) for line in lines],
                        dashed=index == 1,
                        colour=index,
                    )
                )
    return found
