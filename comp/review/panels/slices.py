"""Scores of parts of the samples: where is the run weak?"""

from __future__ import annotations

from collections.abc import Sequence

from comp.page.blocks import Block, Bullets, Figure, Panel, Paragraph, not_here
from comp.page.charts import Bar, BarChart
from comp.page.words import Text, say
from comp.review.facts import RunFacts
from comp.review.plain_numbers import decimals_of
from comp.review.slices import LEAST, Part, weak_parts
from comp.review.slicings import ScoredParts, parts_of_run

MOST = 12
"""Bars of a chart."""
MOST_NAMED = 10
"""Weak parts that are named."""


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None without predictions."""
    if facts.errors is None:
        return None
    found = [each for each in parts_of_run(facts) if each.parts]
    weak = weak_parts([part for each in found for part in each.parts])
    if found:
        blocks = [*_summary(found, weak), *[block for e in found for block in _charts(e, weak)]]
    else:
        blocks = [not_here(say("no part has {n} samples", n=LEAST))]
    return Panel(
        id="parts",
        title=say("Where the run is weak"),
        blocks=blocks,
        how_to_read=say(
            "The samples are divided by their class, their group, their columns or the look of "
            "their images, and each part is scored alone. The dashed line is the score of the "
            "whole; the thin lines are 95 % intervals. Among many parts some look bad by chance, "
            "so a part is named as weak only if it is worse than the whole beyond what so many "
            "parts show by chance. A weak part says where to look, not why: images of one size "
            "may come from one hospital. Scores such as AUC, F1, kappa and R2 also depend on the "
            "mix of targets within a part."
        ),
    )


def _summary(found: Sequence[ScoredParts], weak: Sequence[Part]) -> list[Block]:
    judged = sum(part.judged for each in found for part in each.parts)
    if not judged:
        words = say("No part has {n} groups, so none is judged.", n=LEAST)
        return [Paragraph(words)]
    if not weak:
        words = say(
            "None of {n} parts is worse than the whole beyond chance. Parts of fewer than {least} "
            "samples are left out.",
            n=judged,
            least=LEAST,
        )
        return [Paragraph(words)]
    words = say(
        "{weak} of {n} parts are worse than the whole beyond chance, in the charts with a star. "
        "Parts of fewer than {least} samples are left out.",
        weak=len(weak),
        n=judged,
        least=LEAST,
    )
    measured = [(each, part) for part in weak for each in found if _is_in(part, each.parts)]
    return [
        Paragraph(words, "warning"),
        Bullets([_weak_words(each, part) for each, part in measured[:MOST_NAMED]]),
    ]


def _is_in(part: Part, parts: Sequence[Part]) -> bool:
    return any(part is each for each in parts)


def _weak_words(each: ScoredParts, part: Part) -> Text:
    decimals = decimals_of(each.whole)
    numbers = {"value": part.value, "low": part.low, "high": part.high, "whole": each.whole}
    return say(
        "{property}, {part}: {measure} {value} ({low} to {high}) of {n:,} samples; of the whole "
        "{whole}",
        property=part.slicing.title,
        part=part.label,
        measure=each.measure.name,
        **{name: f"{number:,.{decimals}f}" for name, number in numbers.items()},
        n=part.samples,
    )


def _charts(each: ScoredParts, weak: Sequence[Part]) -> list[Block]:
    blocks: list[Block] = []
    if each.samples < each.of and each.parts:
        words = say(
            "By the look of {n:,} of {all:,} images, chosen at random to save time:",
            n=each.samples,
            all=each.of,
        )
        blocks.append(Paragraph(words))
    keys = list(dict.fromkeys(part.slicing.key for part in each.parts))
    for key in keys:
        parts = [part for part in each.parts if part.slicing.key == key]
        if len(parts) > 1:
            blocks.append(Figure(_chart(each, parts, weak)))
    return blocks


def _chart(each: ScoredParts, parts: Sequence[Part], weak: Sequence[Part]) -> BarChart:
    """The parts in their order; of many, the worst."""
    title: Text = say("By {property}", property=parts[0].slicing.title)
    if len(parts) > MOST:
        sign = 1 if each.measure.direction == "max" else -1
        title = say(
            "By {property}: the worst {n} of {all}",
            property=parts[0].slicing.title,
            n=MOST,
            all=len(parts),
        )
        parts = sorted(parts, key=lambda part: sign * part.value)[:MOST]
    ends = [value for part in parts for value in (part.value, part.low) if value is not None]
    return BarChart(
        title=title,
        bars=[
            Bar(
                label=part.label,
                value=part.value,
                low=part.low,
                high=part.high,
                note=f"n={part.samples:,}" + " *" * _is_in(part, weak),
            )
            for part in parts
        ],
        value_label=each.measure.name,
        base=_base([*ends, each.whole]),
        reference=each.whole,
        decimals=decimals_of(each.whole),
    )


def _base(values: Sequence[float]) -> float:
    """Where bars begin: at 0, or below the lowest value if all are alike or some are negative."""
    low, high = min(values), max(values)
    if low > 0 and high - low <= 0.2 * high:
        return low - max(high - low, 0.01 * high)
    return 0.0
