"""A line that keeps its most useful parts."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from comp.report.parts import Part, Parts

LINE = Parts(
    [
        Part(text="epoch 1/9", rank=2),
        Part(text="run 3 min left", rank=0, short="3 min"),
        Part(text="RMSE 0.5", rank=1, short="0.5"),
    ]
)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, "epoch 1/9  run 3 min left  RMSE 0.5"),
        (35, "epoch 1/9  run 3 min left  RMSE 0.5"),
        (34, "run 3 min left  RMSE 0.5"),
        (23, "run 3 min left  0.5"),
        (18, "3 min  0.5"),
        (9, "3 min"),
        (2, "3 min"),
    ],
)
def test_the_least_useful_parts_go_first(width: int, shown: str) -> None:
    assert LINE.within(width) == shown


def test_a_log_gets_all_parts() -> None:
    assert str(LINE) == "epoch 1/9  run 3 min left  RMSE 0.5"
    assert str(Parts([Part(text="", rank=0), Part(text="a", rank=1)])) == "a"


def test_a_terminal_draws_the_parts_that_fit() -> None:
    page = io.StringIO()
    Console(file=page, width=24).print(LINE)
    assert page.getvalue() == "run 3 min left  RMSE 0.5\n"
