"""Tables in narrow terminals."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from comp.report.fitting import Column, fitted_table, fitting, plain_table

COLUMNS = [
    Column(header="id", cells=["20260101-000000-abcdef", "b"]),
    Column(header="state", cells=["interrupted, and more words", "x"], least=11),
    Column(header="score", cells=["0.12345", ""], right=True),
    Column(header="size", cells=["12.3 MB", "1.0 MB"], rank=2, right=True),
    Column(header="age", cells=["3 h", "2 d"], rank=1),
]


def drawn(width: int) -> list[str]:
    page = io.StringIO()
    Console(file=page, width=width).print(fitted_table("runs", COLUMNS, width))
    return page.getvalue().splitlines()


@pytest.mark.parametrize(
    ("width", "headers"),
    [
        (80, ["id", "state", "score", "size", "age"]),
        (57, ["id", "state", "score", "size", "age"]),
        (50, ["id", "state", "score", "age"]),
        (44, ["id", "state", "score"]),
    ],
)
def test_columns_go_by_their_rank_and_nothing_is_cut(width: int, headers: list[str]) -> None:
    lines = drawn(width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "20260101-000000-abcdef" in text
    assert "0.12345" in text
    (header,) = [line for line in lines if "state" in line]
    assert [word for word in header.replace("┃", " ").split() if word] == headers


def test_what_always_stays_is_left_in_a_terminal_that_is_too_narrow() -> None:
    assert [c.header for c in fitting(COLUMNS, 10, 2, 0)] == ["id", "state", "score"]


def test_square_brackets_are_text() -> None:
    page = io.StringIO()
    table = plain_table([Column(header="why", cells=["[/x] [bold]"])])
    Console(file=page, width=40, markup=False).print(table)
    assert "[/x] [bold]" in page.getvalue()
