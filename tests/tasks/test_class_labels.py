"""Names of classes, and values of targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.tasks.class_labels import as_number, as_values, checked_names


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1), (np.float32(2), 2), (np.int64(3), 3), (True, 1), ("1", None), (None, None),
     (float("nan"), None), (float("inf"), None), ((1,), None), (Path("1"), None)],
)  # fmt: skip
def test_numbers(value: Any, number: float | None) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(
    ("value", "values"),
    [((1, 2), (1, 2)), ([1], (1,)), (np.array([1, 2]), (1, 2)), (1.0, None), ("12", None),
     (Path("ab"), None), (np.array(1), None), (np.zeros((2, 2)), None), (None, None)],
)  # fmt: skip
def test_values(value: Any, values: Any) -> None:
    assert as_values(value) == values


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (range(3), r"names are texts, found 0; write \('0', '1', '2'\)"),
        ((1, 2, 3), r"names are texts, found 1; write \('1', '2', '3'\)"),
        (("a", None), "names are texts, found None"),
        (("a",), "give two or more different classes"),
        (("a", "a"), "give two or more different classes"),
        ("ab", "give two or more different classes"),
    ],
)
def test_names_that_are_not_names_are_one_line(names: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        checked_names(names, 2)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
