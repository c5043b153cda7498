from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from comp.tasks.row_form import RowForm

ABC = ("a", "b", "c")


@pytest.mark.parametrize(
    ("form", "prediction", "decision", "cells"),
    [
        ({"submit": "probability"}, [0.25], [0], [0.25]),
        ({"submit": "label", "grades": (0, 1, 2)}, [0.1, 0.7, 0.2], [1], ["b"]),
        ({"submit": "index", "grades": (0, 1, 2)}, [0.1, 0.7, 0.2], [1], [1]),
        ({"submit": "labels"}, [0.9, 0.1, 0.8], [1, 0, 1], ["a c"]),
        ({"submit": "labels", "separator": "|"}, [0.9, 0.1, 0.8], [1, 0, 1], ["a|c"]),
        ({"submit": "labels"}, [0, 0, 0], [0, 0, 0], [""]),
        ({"submit": "top", "top": 2}, [0.25, 0.5, 0.25], [1], ["b a"]),
        ({"submit": "numbers", "grades": (1, 2, 3)}, [1.4], [1], [2]),
        ({"submit": "numbers", "grades": (1, 2, 3), "decided": False}, [1.5], [1], [2.5]),
        ({"submit": "numbers", "grades": (0.5, 1.5, 2.5)}, [1.4], [1], [1.5]),
        ({"submit": "numbers", "decided": False, "exact": True}, [0.1], [0], ["0.1"]),
        ({"submit": "numbers", "decided": False}, [0.5], [0], [0.5]),
    ],
)
def test_one_cell(form: dict[str, Any], prediction: Any, decision: Any, cells: Any) -> None:
    made = RowForm(columns=["cell"], labels=ABC, names=["cell"], **form)
    found = made.cells(np.float32(prediction), np.float32(decision))
    assert list(found.values()) == cells
    assert list(found) == ["cell"]


def test_values_are_in_the_columns_of_their_labels() -> None:
    form = RowForm(submit="probabilities", columns=["c", "a", "b"], labels=ABC, names=ABC)
    found = form.cells(np.float32([0.25, 0.5, 0.125]), np.float32([1]))
    assert list(found.items()) == [("c", 0.125), ("a", 0.25), ("b", 0.5)]


def test_the_shares_of_two_classes() -> None:
    form = RowForm(submit="probabilities", columns=["a", "b"], labels=["a", "b"], names=["a", "b"])
    assert form.cells(np.float32([0.25]), np.float32([0])) == {"a": 0.75, "b": 0.25}


def test_decided_labels_as_numbers() -> None:
    form = RowForm(submit="numbers", columns=["b", "a"], labels=["a", "b"], names=["a", "b"])
    found = form.cells(np.float32([0.9, 0.1]), np.float32([1, 0]))
    assert list(found.items()) == [("b", 0), ("a", 1)]
