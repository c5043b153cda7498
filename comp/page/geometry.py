"""Places charts on a canvas: values to pixels, ticks of the axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from comp.page.charts import MOST_POINTS, Bar, BarChart, Histogram, LineChart, Series
from comp.page.words import Text

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 82, 26, 12, 44
"""Margins of the plot inside the canvas."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis in pixels, and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Drawn:
    """A series in pixels."""

    name: Text
    path: str
    points: Sequence[tuple[float, float, str]]
    colour: int
    dashed: bool
    dots: str = ""
    """A path of points without labels, which is much shorter than a circle for each."""


@dataclass(frozen=True)
class Axes:
    """A chart with axes in pixels."""

    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    series: Sequence[Drawn]
    marks: Sequence[tuple[float, Text]]
    diagonal: tuple[float, float, float, float] | None = None


class Scale:
    """From values of a range to pixels; the range is widened if it is empty."""

    def __init__(self, low: float, high: float, start: float, end: float, log: bool) -> None:
        self.log = log and low > 0
        if not high - low > 1e-12 * max(abs(high), abs(low)):
            room = abs(low) * 0.1 or 1.0
            low, high = (low / 2, low * 2) if self.log else (low - room, low + room)
        self.low, self.high, self._start, self._end = low, high, start, end

    def __call__(self, value: float) -> float:
        """The pixel of a value, which may lie outside of the range."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(max(value, low / 10))
        share = (at - low) / (high - low)
        return round(self._start + share * (self._end - self._start), 1)

    def ticks(self, count: int) -> list[Tick]:
        """About `count` round values in the range."""
        values = _powers(self.low, self.high) if self.log else round_values(self, count)
        return [Tick(self(v), text) for v, text in zip(values, tick_labels(values), strict=True)]


def round_values(scale: Scale, count: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within the range of a scale."""
    step = 10.0 ** math.floor(math.log10((scale.high - scale.low) / count))
    wanted = (scale.high - scale.low) / count
    step *= next((factor for factor in (1, 2, 5) if factor * step >= wanted), 10)
    first = math.ceil(scale.low / step - 1e-9)
    last = math.floor(scale.high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _powers(low: float, high: float) -> list[float]:
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if len(exponents) > 3 else (1, 2, 5)
    return [v for e in exponents for f in factors if low <= (v := f * 10.0**e) <= high]


def tick_labels(values: Sequence[float]) -> list[str]:
    """Short numbers, with as many decimals as they need to differ."""
    texts = [short(value) for value in values]
    if len(set(texts)) == len(texts):
        return texts
    step = min(b - a for a, b in pairwise(values))
    decimals = min(12, max(0, -math.floor(math.log10(step) + 1e-9))) if step > 0 else 12
    return [f"{value:,.{decimals}f}" for value in values]


def short(value: float) -> str:
    """A number in few characters: 0.25, 1,200, 3e-05."""
    if value == 0 or abs(value) < 1e-12:
        return "0"
    if 1000 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _finite(series: Series) -> list[tuple[float, float, str]]:
    labels = series.labels or [""] * len(series.x)
    points = zip(series.x, series.y, labels, strict=True)
    found = [(x, y, label) for x, y, label in points if math.isfinite(x) and math.isfinite(y)]
    step = max(1, math.ceil(len(found) / MOST_POINTS))
    kept = found[::step]
    if not series.dots and found and kept[-1] is not found[-1]:
        kept.append(found[-1])
    return kept


def _range(values: Sequence[float], given: tuple[float, float] | None) -> tuple[float, float]:
    if given:
        return given
    return (min(values), max(values)) if values else (0.0, 1.0)


def line_axes(chart: LineChart) -> Axes:
    """A line chart in pixels."""
    found = [_finite(series) for series in chart.series]
    marks = [(value, name) for value, name in chart.marks if math.isfinite(value)]
    xs = [x for points in found for x, _, _ in points] + [x for x, _ in marks]
    ys = [y for points in found for _, y, _ in points]
    x = Scale(*_range(xs, chart.x_range), LEFT, WIDTH - RIGHT, chart.log_x)
    y = Scale(*_range(ys, chart.y_range), HEIGHT - BOTTOM, TOP, chart.log_y)
    low, high = max(x.low, y.low), min(x.high, y.high)
    return Axes(
        x_ticks=x.ticks(6),
        y_ticks=y.ticks(5),
        series=[
            _drawn(series, [(x(a), y(b), label) for a, b, label in points], index)
            for index, (series, points) in enumerate(zip(chart.series, found, strict=True))
        ],
        marks=[(x(value), name) for value, name in marks],
        diagonal=(x(low), y(low), x(high), y(high)) if chart.diagonal and low < high else None,
    )


def _drawn(series: Series, points: list[tuple[float, float, str]], index: int) -> Drawn:
    colour = index % 8 if series.colour is None else series.colour
    if series.dots and not series.labels:
        dots = "".join(f"M{a:g} {b:g}h0" for a, b, _ in points)
        return Drawn(series.name, "", [], colour, series.dashed, dots)
    path = "" if series.dots else " ".join(f"{a:g},{b:g}" for a, b, _ in points)
    shown = points if series.dots or len(points) <= 40 else []
    return Drawn(series.name, path, shown, colour, series.dashed)


def histogram_axes(chart: Histogram) -> Axes:
    """A histogram in pixels: one outline for each series."""
    edges = list(chart.edges)
    most = max((max(counts, default=0) for _, counts in chart.counts), default=0)
    x = Scale(edges[0], edges[-1], LEFT, WIDTH - RIGHT, log=False)
    y = Scale(0, most or 1, HEIGHT - BOTTOM, TOP, log=False)
    series = []
    for index, (name, counts) in enumerate(chart.counts):
        corners = [(edges[0], 0.0)]
        for left, right, count in zip(edges, edges[1:], counts, strict=False):
            corners += [(left, count), (right, count)]
        corners.append((edges[-1], 0.0))
        path = " ".join(f"{x(a):g},{y(b):g}" for a, b in corners)
        series.append(Drawn(name, path, [], index % 8, dashed=False))
    marks = [(x(value), name) for value, name in chart.marks]
    return Axes(x_ticks=x.ticks(6), y_ticks=y.ticks(5), series=series, marks=marks)


LABELS, NUMBERS, ROW = 180, 110, 20
"""Pixels of the labels on the left of bars and of the numbers on their right, and of a row."""


@dataclass(frozen=True)
class DrawnBar:
    """A bar in pixels, with its interval."""

    label: Text
    value: float
    note: Text
    y: float
    x: float
    width: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class BarAxes:
    """Bars in pixels."""

    left: float
    bottom: float
    height: float
    ticks: Sequence[Tick]
    bars: Sequence[DrawnBar]
    reference: float | None


def bar_axes(chart: BarChart) -> BarAxes:
    """A bar chart in pixels. Bars whose value is not finite have no length."""
    ends = [v for bar in chart.bars for v in (bar.value, bar.low, bar.high) if v is not None]
    reference = chart.reference
    if reference is not None and not math.isfinite(reference):
        reference = None
    base = chart.base if math.isfinite(chart.base) else 0.0
    ends += [base] + ([] if reference is None else [reference])
    finite = [value for value in ends if math.isfinite(value)]
    x = Scale(min(finite), max(finite), LABELS, WIDTH - NUMBERS, log=False)
    bars = []
    for index, bar in enumerate(chart.bars):
        start, end = x(base), x(bar.value if math.isfinite(bar.value) else base)
        interval = _interval(bar, x)
        bars.append(
            DrawnBar(
                label=bar.label,
                value=bar.value,
                note=bar.note,
                y=4 + ROW * index,
                x=min(start, end),
                width=max(1.0, round(abs(end - start), 1)),
                low=interval[0] if interval else None,
                high=interval[1] if interval else None,
            )
        )
    bottom = 8 + ROW * len(bars)
    return BarAxes(
        left=LABELS,
        bottom=bottom,
        height=bottom + 38,
        ticks=x.ticks(5),
        bars=bars,
        reference=None if reference is None else x(reference),
    )


def _interval(bar: Bar, x: Scale) -> tuple[float, float] | None:
    if bar.low is None or bar.high is None or not math.isfinite(bar.low + bar.high):
        return None
    return x(bar.low), x(bar.high)
