"""Panels of numbers: targets, and the columns of a table."""

from __future__ import annotations

from comp.exploration.columns import ColumnLook, Columns
from comp.exploration.panels.names import named
from comp.exploration.panels.shares import shares_chart
from comp.exploration.targets import Targets
from comp.page.blocks import Block, Cell, Figure, Panel, Paragraph, Part, Table
from comp.page.charts import Bar, BarChart
from comp.page.geometry import short
from comp.page.words import Text, say

MOST_CHARTS = 24
BARS = 30


def targets(found: Targets) -> Panel:
    """The distribution of the targets."""
    columns: list[Text] = [
        *(say("target"), say("mean"), say("lowest"), say("quarter"), say("median")),
        *(say("three quarters"), say("highest"), say("share of zeros")),
    ]
    rows: list[list[Cell]] = []
    for look in found.looks:
        s = look.summary
        numbers = [s.mean, s.low, s.quarter, s.median, s.three_quarters, s.high]
        rows.append([look.name, *map(short, numbers), look.empty])
    titles = {
        "numbers": say("Targets"),
        "masks": say("Masks"),
        "images": say("Target images"),
    }
    labels = {
        "numbers": say("value"),
        "masks": say("share of the pixels"),
        "images": say("difference of image and target, in grey levels"),
    }
    how = {
        "numbers": say(
            "Far outliers and many equal values are worth a look before a loss is chosen."
        ),
        "masks": say(
            "The share of the pixels that a class covers. Zeros are images without it: a mask "
            "there costs much in most metrics."
        ),
        "images": say("How far images are from what they shall become, as root mean square."),
    }
    words = say("Of {n} training samples.", n=f"{found.samples:,}")
    blocks: list[Block] = [Paragraph(words), Table(columns=columns, rows=rows, decimals=3)]
    for look in found.looks:
        if look.histogram:
            blocks.append(Figure(shares_chart(look.name, look.histogram, labels[found.kind])))
    return Panel(id="targets", title=titles[found.kind], blocks=blocks, how_to_read=how[found.kind])


def columns(found: Columns) -> Panel:
    """All columns of a table: kinds, gaps, distributions, and what they say about the target."""
    heads: list[Text] = [
        *(say("column"), say("kind"), say("different"), say("gaps"), say("gaps in test")),
        *(say("lowest"), say("median"), say("highest"), say("with the target")),
    ]
    rows: list[list[Cell]] = [_row(column) for column in found.columns]
    words = say("{n} columns of {rows} training rows.", n=len(rows), rows=f"{found.rows:,}")
    blocks: list[Block] = [
        Paragraph(words),
        Table(columns=heads, rows=rows, decimals=3, most=100),
    ]
    chart = _associations(found)
    if chart:
        blocks.append(Figure(chart))
    drawn = [column for column in found.columns if column.histogram or column.categories]
    if len(drawn) > MOST_CHARTS:
        words = say("The first {n} of {m} columns.", n=MOST_CHARTS, m=len(drawn))
        blocks.append(Paragraph(words))
    blocks.append(Part(title=say("Distributions")))
    for column in drawn[:MOST_CHARTS]:
        if column.histogram:
            blocks.append(Figure(shares_chart(column.name, column.histogram, say("value"))))
        else:
            bars = [Bar(label=name, value=float(n)) for name, n in column.categories.items()]
            title = column.name
            chart = BarChart(title=title, bars=bars, value_label=say("rows"), decimals=0)
            blocks.append(Figure(chart))
    return Panel(
        id="columns",
        title=say("Columns"),
        blocks=blocks,
        how_to_read=say(
            "'With the target' is Spearman's rank correlation of a number with the target, -1 to "
            "1, or the share of the variance that classes or categories explain, 0 to 1: what a "
            "column says alone. One that says nearly all may be a leak."
        ),
    )


def _row(column: ColumnLook) -> list[Cell]:
    s = column.summary
    numbers: list[Cell] = [short(v) for v in (s.low, s.median, s.high)] if s else [None] * 3
    return [
        column.name,
        named(column.kind),
        column.different,
        column.gaps,
        column.gaps_test,
        *numbers,
        column.association,
    ]


def _associations(found: Columns) -> BarChart | None:
    known = [(c.name, c.association) for c in found.columns if c.association is not None]
    if not known:
        return None
    order = sorted(known, key=lambda pair: -abs(pair[1]))[:BARS]
    return BarChart(
        title=say("What each column says about the target, alone"),
        bars=[Bar(label=name, value=value) for name, value in order],
        value_label=say("rank correlation, or share explained"),
    )
