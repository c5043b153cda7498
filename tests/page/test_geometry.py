"""Charts in pixels: scales, ticks, and values that cannot be drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from comp.page.charts import MOST_POINTS, Bar, BarChart, Histogram, LineChart, Series
from comp.page.geometry import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axes,
    Scale,
    bar_axes,
    histogram_axes,
    line_axes,
    short,
    tick_labels,
)


def chart(x: Sequence[float], y: Sequence[float], dots: bool = False, **fields: object) -> Axes:
    series = [Series(name="s", x=x, y=y, dots=dots)]
    return line_axes(LineChart(title="t", series=series, x_label="x", y_label="y", **fields))  # type: ignore[arg-type]


def places(path: str) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in (pair.split(",") for pair in path.split())]


def test_the_ends_of_the_values_are_the_ends_of_the_plot() -> None:
    drawn = places(chart([1, 2, 5], [10, 30, 20]).series[0].path)
    assert drawn[0] == (LEFT, HEIGHT - BOTTOM)
    assert drawn[-1][0] == WIDTH - RIGHT
    assert drawn[1][1] == TOP


def test_ticks_are_round_and_inside() -> None:
    ticks = chart([0, 97], [0.1, 0.93]).x_ticks
    assert [tick.label for tick in ticks] == ["0", "20", "40", "60", "80"]
    assert all(LEFT <= tick.at <= WIDTH - RIGHT for tick in ticks)


def test_logarithmic_ticks_are_powers() -> None:
    ticks = chart([1, 2], [1e-6, 1.0], log_y=True).y_ticks
    assert [tick.label for tick in ticks] == [
        "1e-06",
        "1e-05",
        "0.0001",
        "0.001",
        "0.01",
        "0.1",
        "1",
    ]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([], []),
        ([3], [3]),
        ([1, 2, 3], [5, 5, 5]),
        ([1, 2, 3], [math.nan, math.inf, -math.inf]),
        ([1, 2, 3], [math.nan, 2.0, math.inf]),
        ([0, 1, 2], [0, 0, 0]),
        ([1, 2], [1e300, -1e300]),
        ([1, 2], [1e-300, 2e-300]),
        ([1e9, 1e9 + 1e-6], [1, 2]),
    ],
)
@pytest.mark.parametrize("log", [False, True])
def test_odd_values_are_drawn_or_left_out(x: list[float], y: list[float], log: bool) -> None:
    axes = chart(x, y, log_x=log, log_y=log)
    shown = [value for pair in places(axes.series[0].path) for value in pair]
    assert all(map(math.isfinite, shown))
    finite = sum(math.isfinite(a) and math.isfinite(b) for a, b in zip(x, y, strict=True))
    assert len(shown) == 2 * finite
    assert len(axes.x_ticks) < 30


def test_many_points_are_thinned_out_and_the_last_stays() -> None:
    count = 10 * MOST_POINTS + 7
    line = chart(range(count), range(count)).series[0]
    assert len(places(line.path)) <= MOST_POINTS + 1
    assert places(line.path)[-1] == (WIDTH - RIGHT, TOP)
    dots = chart(range(count), range(count), dots=True).series[0].dots
    assert 1000 < dots.count("M") <= MOST_POINTS


def test_points_with_labels_are_circles_and_others_one_path() -> None:
    labelled = Series(name="s", x=[1, 2], y=[3, 4], dots=True, labels=["a", "b"])
    drawn = line_axes(LineChart(title="t", series=[labelled], x_label="x", y_label="y")).series[0]
    assert [label for _, _, label in drawn.points] == ["a", "b"]
    assert drawn.dots == drawn.path == ""
    plain = chart([1, 2], [3, 4], dots=True).series[0]
    assert plain.dots == f"M{LEFT} {HEIGHT - BOTTOM}h0M{WIDTH - RIGHT} {TOP}h0"
    assert plain.points == []


def test_the_diagonal_is_where_x_is_y() -> None:
    axes = chart([0, 10], [5, 20], diagonal=True)
    x, y = Scale(0, 10, LEFT, WIDTH - RIGHT, False), Scale(5, 20, HEIGHT - BOTTOM, TOP, False)
    assert axes.diagonal == (x(5), y(5), x(10), y(10))
    assert chart([0, 1], [5, 20], diagonal=True).diagonal is None


def test_a_histogram_is_an_outline_that_begins_and_ends_at_zero() -> None:
    made = Histogram(title="t", edges=[0, 1, 2], counts=[("a", [3, 1])], x_label="x", y_label="n")
    corners = places(histogram_axes(made).series[0].path)
    assert [y for _, y in corners] == [256, 12, 12, pytest.approx(174.7), pytest.approx(174.7), 256]


def test_bars_begin_at_their_base_and_keep_their_intervals() -> None:
    bars = [Bar(label="a", value=0.8, low=0.7, high=0.9), Bar(label="b", value=0.5)]
    axes = bar_axes(BarChart(title="t", bars=bars, value_label="v", base=0.5, reference=0.6))
    first, second = axes.bars
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.x + first.width < first.high
    assert (second.low, second.width) == (None, 1.0)
    assert axes.reference is not None
    assert first.x < axes.reference < first.x + first.width


def test_a_bar_that_is_not_finite_has_no_length() -> None:
    bars = [Bar(label="a", value=math.nan), Bar(label="b", value=-2.0, low=math.nan, high=1.0)]
    axes = bar_axes(BarChart(title="t", bars=bars, value_label="v"))
    assert axes.bars[0].width == 1.0
    for bar in axes.bars:
        assert all(v is None or math.isfinite(v) for v in (bar.x, bar.width, bar.low, bar.high))


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1e-13, "0"), (1200.0, "1,200"), (0.25, "0.25"), (3e-5, "3e-05")]
)
def test_short_numbers(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.49078, 0.4908, 0.49082], ["0.49078", "0.49080", "0.49082"]),
        ([1000.0, 1000.5, 1001.0], ["1,000.0", "1,000.5", "1,001.0"]),
        ([0, 0.2, 0.4], ["0", "0.2", "0.4"]),
        ([5.0], ["5"]),
        ([], []),
    ],
)
def test_labels_of_an_axis_differ(values: Sequence[float], labels: Sequence[str]) -> None:
    assert tick_labels(values) == labels


def test_bars_without_any_finite_number_are_drawn() -> None:
    nan = math.nan
    drawn = bar_axes(
        BarChart(title="t", bars=[Bar(label="a", value=nan)], value_label="v", base=nan)
    )
    assert math.isfinite(drawn.bars[0].x + drawn.bars[0].width)
