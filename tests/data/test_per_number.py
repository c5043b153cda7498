"""Answers about targets that are remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.contract.sample import Target
from comp.data import per_number
from comp.data.per_number import PerNumber


def test_each_number_is_asked_about_once_and_all_else_each_time() -> None:
    asked: list[Target] = []

    def ask(target: Target) -> str:
        asked.append(target)
        return repr(target)

    answer = PerNumber(ask)
    targets: list[Target] = [1, 1.0, True, 1, None, (1.0,), Path("a"), 1.0, True, None, (1.0,)]

    assert [answer(target) for target in targets] == [repr(target) for target in targets]
    assert [repr(t) for t in asked] == [
        *("1", "1.0", "True", "None", "(1.0,)", repr(Path("a"))),
        *("True", "None", "(1.0,)"),
    ]


def test_the_numbers_of_a_regression_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(per_number, "MOST", 2)
    answer = PerNumber(lambda target: target)
    assert [answer(number) for number in (1, 2, 3, 3, 1)] == [1, 2, 3, 3, 1]
    assert len(answer.known) == 2
