"""Columns that look like coordinates."""

from __future__ import annotations

import pytest

from comp.tasks.place_columns import place_columns
from comp.tasks.regression import regression


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("x", "y"), ("x", "y")),
        (("left_eye_x", "left_eye_y"), ("left_eye_x", "left_eye_y")),
        (("noseX", "noseY", "age"), ("noseX", "noseY")),
        (("x1", "y1", "x2", "y2"), ("x1", "y1", "x2", "y2")),
        (("xmin", "width"), ("xmin",)),
        (("angle",), ("angle",)),
        (("left", "right"), ("left", "right")),
        (("y",), ()),
        (("age", "copyright", "taxi", "x_ray_dose"), ()),
    ],
)
def test_columns_of_places(names: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert place_columns(names) == found
    assert regression(names).places == found
