"""The rows of a submission of masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from comp.submission.rle import RleFormat
from comp.tasks.mask_form import MaskForm

MASKS = np.zeros((2, 3, 2), np.float32)
MASKS[0, :2, 1] = 1


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"labels": ["b"], "planes": [1]}, {"id": ["x"], "rle": ["1 1 3 1"]}),
        (
            {"labels": ["b", "a"], "planes": [1, 0]},
            {"id": ["x_b", "x_a"], "rle": ["1 1 3 1", "-1"]},
        ),
        (
            {"labels": ["a", "b"], "planes": [0, 1], "class_column": "class"},
            {"id": ["x", "x"], "class": ["a", "b"], "rle": ["-1", "1 1 3 1"]},
        ),
        (
            {"labels": ["a", "b"], "planes": [0, 1], "rle_column": None},
            {"id": ["x"], "a": ["-1"], "b": ["1 1 3 1"]},
        ),
    ],
)
def test_a_row_for_each_label_or_a_column(fields: dict[str, Any], wanted: dict[str, Any]) -> None:
    columns: dict[str, Any] = {"id_column": "id", "rle_column": "rle", "class_column": None}
    form = MaskForm(**columns | fields, rle=RleFormat(empty="-1"))
    assert form.rows("x", MASKS) == wanted
    assert list(form.rows("x", MASKS)) == list(wanted)
