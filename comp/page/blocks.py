"""What a page is made of: panels of blocks. A block is a frozen record; templates draw it.

Panel(
    id="folds",
    title=say("Folds"),
    blocks=[
        Paragraph(say("The folds agree.")),
        Table(columns=[say("fold"), say("score")], rows=[["0", 0.91], ["1", 0.92]]),
    ],
    how_to_read=say("A fold far below the others has harder samples."),
)
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from comp.page.charts import BarChart, Heatmap, Histogram, LineChart
from comp.page.words import Text, say

Tone = Literal["plain", "good", "warning", "bad"]


@dataclass(frozen=True)
class Link:
    """A cell of a table that leads to another file.

    Raises:
        ValueError: `path` does not lead to a file in or below the folder of the page.
    """

    text: Text
    path: str
    """From the folder of the page, with slashes."""

    def __post_init__(self) -> None:
        """Check the path."""
        if not self.path or self.path.startswith(("/", "\\")) or ".." in self.path.split("/"):
            raise ValueError(f"{self.path!r} is not below the folder of the page")

    @property
    def href(self) -> str:
        """The address, in which a colon or markup has no meaning."""
        return quote(os.fsencode(self.path))


Cell = Text | int | float | Link | None
MOST_ROWS = 50
"""Rows of a table that are shown."""


@dataclass(frozen=True)
class Paragraph:
    """Words or a name, with a tone that colours it and says "warning" before it."""

    text: Text
    tone: Tone = "plain"
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True)
class Bullets:
    """A list of texts."""

    entries: Sequence[Text]
    kind: Literal["bullets"] = "bullets"


@dataclass(frozen=True)
class Code:
    """Commands or a configuration, to copy."""

    text: str
    kind: Literal["code"] = "code"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table. Numbers are right-aligned; a float has `decimals`, which may be one for
    each column; None is an empty cell.

    `bars` is the index of a column of numbers: each row ends in a bar, as long as the share of its
    number of the largest. `shares` gives the lengths of the bars instead, 0..1. Beyond `most` rows
    the table says how many there are.
    """

    columns: Sequence[Text]
    rows: Sequence[Sequence[Cell]]
    caption: Text = ""
    decimals: int | Sequence[int] = 4
    bars: int | None = None
    shares: Sequence[float | None] | None = None
    most: int = MOST_ROWS
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Figure:
    """A chart, drawn as SVG."""

    chart: LineChart | BarChart | Histogram | Heatmap
    kind: Literal["figure"] = "figure"


@dataclass(frozen=True, kw_only=True)
class Card:
    """A picture or several, with its id and lines of text."""

    id: str
    pictures: Sequence[str] = ()
    """Data URIs, from `comp.page.thumbnails`."""
    captions: Sequence[Text] = ()
    """One below each picture, or none."""
    lines: Sequence[Text] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    """What filters choose by, such as {"fold": "0", "class": "cat"}."""
    mark: str = ""
    """What the sample is, by `comp.data.dropped.mark_of`, for the list of ticked ids."""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Cards side by side. Readers filter them by `filters`, and copy the ids of those shown.

    With `ticks`, each card has a tick box, and the ids of the ticked ones can be saved as a CSV
    file for `drop = FILE`.
    """

    cards: Sequence[Card]
    title: Text = ""
    filters: Mapping[str, Text] = field(default_factory=dict)
    """A key of `Card.tags` -> its name for the reader."""
    ticks: bool = False
    file_name: str = "drop.csv"
    kind: Literal["gallery"] = "gallery"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A finding with a code, what to do, and a page that explains it."""

    code: str
    title: Text
    text: Text
    remedy: Text = ""
    command: str = ""
    """A command to copy, which does what the remedy says."""
    page: str = ""
    """A page of the documentation with an anchor: "scores.md#folds"."""
    tone: Tone = "warning"
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A heading inside a panel."""

    title: Text
    kind: Literal["part"] = "part"


Block = Paragraph | Bullets | Code | Table | Figure | Gallery | Notice | Part


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A section of a page, with a heading and an entry in the list of contents."""

    id: str
    """Lower case letters and dashes; the anchor of the section."""
    title: Text
    blocks: Sequence[Block]
    how_to_read: Text = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A whole page. `data` is for machines: plain JSON inside the file."""

    title: Text
    lead: Text = ""
    panels: Sequence[Panel] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def not_here(why: Text) -> Paragraph:
    """A block in place of one that cannot be shown, with the reason."""
    return Paragraph(say("Not shown: {why}", why=why))
