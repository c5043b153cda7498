"""Curves and bars of characters."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from comp.report.sparkline import bar, bars, bars_by_kind, only_ascii, sparkline


@pytest.mark.parametrize(
    ("values", "curve"),
    [
        ([], ""),
        ([1.0], "▄"),
        ([2.0, 2.0], "▄▄"),
        ([0.0, 0.5, 1.0], "▁▅█"),
        ([1.0, math.nan, 0.0], "█ ▁"),
        ([math.nan, math.inf], "  "),
        ([-1e308, 1e308], "  "),
        (list(range(80)), "▁▂▃▄▅▆▇█"),
    ],
)
def test_a_curve_is_high_where_its_value_is(values: list[float], curve: str) -> None:
    assert sparkline(values, 8) == curve


def test_a_long_curve_ends_with_its_last_value() -> None:
    assert sparkline([0.0] * 50 + [9.0], 8)[-1] == "█"


def test_without_blocks_a_curve_is_drawn_in_ascii() -> None:
    curve = sparkline([0, 1, 2, 3, 4, 5], 8, ascii_only=True)
    assert curve.isascii()
    assert len(set(curve)) == 6


def test_the_best_score_has_the_longest_bar_in_both_directions() -> None:
    scores = [0.2, 0.1, None, 0.3, math.nan]
    falling, rising = bars(scores, "min", 8), bars(scores, "max", 8)
    assert [len(text) for text in falling] == [5, 8, 0, 1, 0]
    assert [len(text) for text in rising] == [5, 1, 0, 8, 0]
    assert bars(scores, "", 8) == [""] * 5
    assert bars([0.5, 0.5], "max", 4) == ["████", "████"]


def test_scores_of_another_kind_do_not_scale_a_bar() -> None:
    real, drawn = ("RMSE", "min", False), ("RMSE", "min", True)
    found = bars_by_kind([0.1, 0.001, 0.2], [real, drawn, real], 8, ascii_only=True)
    assert found == ["########", "########", "#"]


def test_the_smallest_bar_is_seen() -> None:
    assert bar(0.0, 8) == "▏"
    assert bar(-1.0, 8, ascii_only=True) == "#"
    assert bar(7.0, 8) == "█" * 8


def test_blocks_need_an_encoding_that_has_them() -> None:
    def console(encoding: str) -> Console:
        return Console(file=io.TextIOWrapper(io.BytesIO(), encoding=encoding))

    assert only_ascii(console("ascii"))
    assert only_ascii(console("cp1252"))
    assert not only_ascii(console("utf-8"))
    assert only_ascii(Console(file=io.StringIO(), legacy_windows=True))
