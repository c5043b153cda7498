"""Which of two runs is better, and on which folds and outputs."""

from __future__ import annotations

from collections.abc import Sequence

from comp.inference.paired import LEAST_DRAWS, LEAST_GROUPS
from comp.page.blocks import Block, Figure, Panel, Paragraph, Table
from comp.page.charts import Bar, BarChart
from comp.page.words import Say, Text, say
from comp.pipeline.compare_samples import RIGHT
from comp.pipeline.compare_words import number, signed
from comp.review.pair.both import Both
from comp.runs.comparison import Comparison, PairedDifference, PartScore

DECIMALS = 5


def panel(both: Both) -> Panel:
    """The panel."""
    found = both.found
    blocks: list[Block] = [
        Paragraph(verdict(found), "good" if found.real else "plain"),
        *(Paragraph(note, "warning") for note in found.notes),
    ]
    if found.difference.low is not None and found.difference.high is not None:
        blocks.append(Figure(_interval(found.difference, found.metric)))
    blocks += _parts(say("fold"), found.metric, found.folds)
    if found.outputs:
        kind = say("class") if found.sides else say("output")
        measure = (
            say("share of right decisions") if found.outputs_measure == RIGHT else found.metric
        )
        blocks += _parts(kind, measure, found.outputs)
    return Panel(
        id="scores",
        title=say("Scores"),
        blocks=blocks,
        how_to_read=say(
            "Both runs are scored on the same samples, each predicted by a model that did not see "
            "it. The interval says how much the difference varies if other samples of the same "
            "kind are drawn. If it contains 0, the difference may be chance: do not choose a run "
            "by it."
        ),
    )


def verdict(found: Comparison) -> Say:
    """One sentence: which run is better, or noise."""
    difference, metric = found.difference, found.metric
    values = {"metric": metric, "n": found.n}
    scores = {"first": number(difference.first), "second": number(difference.second)}
    if difference.differing_groups == 0:
        return say(
            "No difference: the {n:,} samples have the same {metric}, {first}.", **values, **scores
        )
    if difference.low is None or difference.high is None:
        return say(
            "Too little to tell the runs apart, {reason}: {metric} is {first} (A) and {second} (B) "
            "on {n:,} samples.",
            reason=_why_unsure(difference),
            **values,
            **scores,
        )
    low, high = (signed(end, difference) for end in (difference.low, difference.high))
    ends = {"value": signed(difference.value, difference), "low": low, "high": high}
    if found.real:
        return say(
            "{better} is better: {metric} is {first} (A) and {second} (B) on {n:,} samples; A - B "
            "is {value}, 95 % interval {low} to {high}.",
            better=f"{'AB'[found.better == found.second]} ({found.better})",
            **values,
            **scores,
            **ends,
        )
    return say(
        "Noise: {n:,} samples cannot tell the runs apart. {metric} is {first} (A) and {second} "
        "(B); A - B is {value}, 95 % interval {low} to {high}.",
        **values,
        **scores,
        **ends,
    )


def _why_unsure(difference: PairedDifference) -> Say:
    if difference.differing_groups < LEAST_GROUPS:
        return say("they differ in only {n} groups", n=difference.differing_groups)
    if difference.draws < LEAST_DRAWS:
        return say("the metric could be scored on fewer than {n} draws", n=LEAST_DRAWS)
    return say("nearly all samples are in one group")


def _interval(difference: PairedDifference, metric: str) -> BarChart:
    return BarChart(
        title=say("Difference of the scores, with its 95 % interval"),
        bars=[Bar(label="A - B", value=difference.value, low=difference.low, high=difference.high)],
        value_label=metric,
        reference=0.0,
        decimals=DECIMALS,
    )


def _parts(kind: Text, measure: Text, parts: Sequence[PartScore]) -> list[Block]:
    """A table, and bars of the differences; of many parts those that differ most come first."""
    ordered = list(parts)
    if len(ordered) > 20:
        ordered.sort(key=lambda part: -abs(part.difference or 0.0))
    table = Table(
        columns=[kind, say("samples"), "A", "B", "A - B"],
        rows=[[p.name, p.n, p.first, p.second, p.difference] for p in ordered],
        caption=measure,
        decimals=DECIMALS,
    )
    bars = [
        Bar(
            label=say("{kind} {name}", kind=kind, name=p.name),
            value=p.difference,
            note=f"n={p.n:,}",
        )
        for p in ordered[:20]
        if p.difference is not None
    ]
    if len(bars) < 2 or not any(bar.value for bar in bars):
        return [table]
    title = say("A - B of each {kind}", kind=kind)
    return [
        Figure(
            BarChart(title=title, bars=bars, value_label=measure, reference=0.0, decimals=DECIMALS)
        ),
        table,
    ]
