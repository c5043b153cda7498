"""Targets with more digits than float32 keeps are told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from toys import toy

from comp.contract.sample import Sample, Target
from comp.contract.task import Task
from comp.pipeline.target_digits import target_digits_note
from comp.tasks.regression import regression

SECONDS = (1_700_000_001.0, 1_700_000_002.0, 1_700_000_128.0)


def note(targets: Sequence[Target], task: Task | None = None, **fields: Any) -> str:
    samples = [Sample(id=str(i), image=None, target=target) for i, target in enumerate(targets)]
    return target_digits_note(toy(None if fields else task or regression(), **fields), samples)


def test_lost_digits_are_told_with_the_remedy() -> None:
    """Training and scores had 5412345.5 and 5412346.0, and the score hid it."""
    assert note([5412345.67, 5412345.81, None]) == (
        "targets lose digits: 5412345.81 becomes 5412346 in training and in the score; subtract a "
        "constant from the targets in the plugin and add it to what is submitted, or learn "
        "differences"
    )


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (SECONDS, "1700000002 becomes 1700000000"),
        ([(1.0, second) for second in SECONDS], "1700000002 becomes 1700000000"),
        ([1e39, 1.0], "1e+39 becomes inf"),
    ],
    ids=["seconds", "second column", "too large"],
)
def test_whole_numbers_that_become_equal_are_told(targets: Sequence[Target], words: str) -> None:
    columns = ("x", "y") if isinstance(targets[0], tuple) else ("x",)
    assert words in note(targets, regression(columns))


@pytest.mark.parametrize(
    "targets",
    [
        [208500.0, 181500.0, 223500.0],
        [2244543360.0, 2244543361.0, 12.0],
        [299.153, 300.221, 300.917],
        [0.1, 0.2],
        [None],
        [Path("a")],
    ],
    ids=["prices", "revenues", "degrees", "shares", "none", "files"],
)
def test_other_targets_need_no_word(targets: Sequence[Target]) -> None:
    assert note(targets) == ""


def test_digits_of_logarithms_and_of_classes_do_not_matter() -> None:
    assert note(SECONDS, regression(log=True)) == ""
    assert note([0.0, 1.0], classes=("cat", "dog")) == ""
