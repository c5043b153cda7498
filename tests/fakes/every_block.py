"""A page with every kind of block and chart."""

from __future__ import annotations

from typing import Any

import numpy as np

from comp.page.blocks import (
    Block,
    Bullets,
    Card,
    Code,
    Figure,
    Gallery,
    Link,
    Notice,
    Page,
    Panel,
    Paragraph,
    Part,
    Table,
)
from comp.page.charts import Bar, BarChart, Heatmap, Histogram, LineChart, Series
from comp.page.thumbnails import thumbnail
from comp.page.words import Text


def every_block(text: Text, plain: str) -> list[Block]:
    """One block of each kind, and of each chart, with a text wherever it may be."""
    picture = thumbnail(np.zeros((4, 4), np.uint8))
    chart: dict[str, Any] = {"title": text, "x_label": text, "y_label": text}
    series = [Series(name=text, x=[1, 2], y=[1, 2], dots=True, labels=[plain, plain])] * 2
    card = Card(
        id=plain,
        pictures=[picture],
        captions=[text],
        lines=[text],
        tags={"class": plain, "fold": "0"},
    )
    return [
        Paragraph(text, "bad"),
        Bullets([text]),
        Code(plain),
        Part(title=text),
        Notice(code=plain, title=text, text=text, remedy=text, page=plain, tone="bad"),
        Table(columns=[text, text], rows=[[text, Link(text, plain)], [1.5, None]], caption=text),
        Gallery(cards=[card], title=text, filters={"class": text}, ticks=True, file_name=plain),
        Gallery(cards=[Card(id=plain, pictures=[picture])]),
        Figure(LineChart(series=series, marks=[(1.5, text)], **chart)),
        Figure(Histogram(edges=[0, 1], counts=[(text, [1]), (text, [2])], **chart)),
        Figure(BarChart(title=text, bars=[Bar(label=text, value=1, note=text)], value_label=text)),
        Figure(
            Heatmap(
                title=text,
                rows=[text],
                columns=[text],
                values=[[1]],
                row_label=text,
                column_label=text,
            )
        ),
    ]


def page_of(text: Text, plain: str) -> Page:
    """A page of all blocks.

    Args:
        text: where words may be.
        plain: where a name may be.
    """
    made = every_block(text, plain)
    panels = [
        Panel(id=name, title=text, blocks=made, how_to_read=text) for name in ("all", "again")
    ]
    return Page(title=text, lead=text, panels=panels, data={plain: [plain]})
