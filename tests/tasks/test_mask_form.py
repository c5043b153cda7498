"""The rows of a submission of masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from comp.submission.rle import RleFormat, decode
from comp.tasks.mask_form import MaskForm, resized

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


@pytest.mark.parametrize("size", [(4, 6), (3, 5), (8, 12), (11, 1), (20, 7)])
def test_a_resized_mask_has_the_nearest_pixels(size: tuple[int, int]) -> None:
    mask = np.arange(8 * 12 * 2).reshape(8, 12, 2)
    found = resized(mask, size)
    assert found.shape == (*size, 2)
    for row, column in np.ndindex(size):
        y, x = (row + 0.5) * 8 / size[0], (column + 0.5) * 12 / size[1]
        assert (found[row, column] == mask[int(y), int(x)]).all()


def test_run_lengths_are_those_of_the_size_that_is_submitted() -> None:
    mask = np.zeros((1400, 2100, 2), np.float32)
    mask[400:800, 1000:1500, 1] = 1
    fields: dict[str, Any] = {"id_column": "id", "rle_column": "rle", "class_column": None}
    form = MaskForm(**fields, labels=["b"], planes=[1], rle=RleFormat(), size=(350, 525))
    (cell,) = form.rows("x", mask)["rle"]
    wanted = np.zeros((350, 525), np.uint8)
    wanted[100:200, 250:375] = 1
    assert np.array_equal(decode(cell, (350, 525), RleFormat()), wanted)
