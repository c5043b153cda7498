"""Charts as frozen records; `comp.page.geometry` places them and a template draws the SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from comp.page.words import Text

MOST_POINTS = 1500
"""Points of one series that are drawn; of more, evenly chosen ones."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line, or with `dots` points without a line. `x` and `y` are equally long; points that are
    not finite are left out."""

    name: Text
    x: Sequence[float]
    y: Sequence[float]
    dots: bool = False
    dashed: bool = False
    colour: int | None = None
    """0..7; None: by its place among the series."""
    labels: Sequence[str] = ()
    """One for each point, shown under the mouse; or none."""


@dataclass(frozen=True, kw_only=True)
class LineChart:
    """Lines or points over two axes. `diagonal` draws y = x; `marks` are vertical lines at a value
    of x, with a name."""

    title: Text
    series: Sequence[Series]
    x_label: Text
    y_label: Text
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    log_x: bool = False
    log_y: bool = False
    diagonal: bool = False
    marks: Sequence[tuple[float, Text]] = ()
    kind: Literal["lines"] = "lines"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar with its interval, if it has one, and a note at its end, such as a count."""

    label: Text
    value: float
    low: float | None = None
    high: float | None = None
    note: Text = ""


@dataclass(frozen=True, kw_only=True)
class BarChart:
    """Horizontal bars from `base`, with a vertical line at `reference`."""

    title: Text
    bars: Sequence[Bar]
    value_label: Text
    base: float = 0.0
    reference: float | None = None
    decimals: int = 3
    kind: Literal["bars"] = "bars"


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Counts or shares between edges, one outline for each series; `edges` has one value more."""

    title: Text
    edges: Sequence[float]
    counts: Sequence[tuple[Text, Sequence[float]]]
    x_label: Text
    y_label: Text
    marks: Sequence[tuple[float, Text]] = ()
    kind: Literal["histogram"] = "histogram"


@dataclass(frozen=True, kw_only=True)
class Heatmap:
    """A matrix of numbers, such as a confusion matrix: the colour is the share of the row."""

    title: Text
    rows: Sequence[Text]
    columns: Sequence[Text]
    values: Sequence[Sequence[float]]
    row_label: Text
    column_label: Text
    kind: Literal["heatmap"] = "heatmap"
