"""Pictures of targets and predictions."""

from __future__ import annotations

import numpy as np

from comp.review.pair.changes import as_picture


def test_a_mask_is_grey_and_a_picture_has_colours() -> None:
    mask = np.array([[0.0, 1.0]])[..., None]
    assert as_picture(mask)[..., 0].tolist() == [[0, 255]]
    colours = np.array([[[1.0, 0.0, 0.5]]])
    assert as_picture(colours).tolist() == [[[255, 0, 128]]]
    stored = np.array([[[3], [7]]], np.uint8)
    assert as_picture(stored) is stored


def test_of_several_planes_the_largest_is_shown() -> None:
    planes = np.array([[[0.1, 0.9, 0.2, 0.0], [0.0, 0.2, 0.0, 0.1]]])
    assert as_picture(planes)[..., 0].tolist() == [[230, 51]]
