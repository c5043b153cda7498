"""Means of predictions."""

from __future__ import annotations

import numpy as np
import pytest

from comp.inference.averages import MeanImage, mean_of


def test_a_weighted_mean_is_added_in_double_precision() -> None:
    parts = [np.array([1e8, 1.0], np.float32), np.array([-1e8, 3.0], np.float32)]
    assert mean_of(parts, [1.0, 1.0]).tolist() == [0.0, 2.0]
    found = mean_of(iter(parts), [3.0, 1.0])
    assert found.tolist() == [5e7, 1.5]
    assert found.dtype == np.float32


def test_images_of_one_size_have_a_mean_image() -> None:
    mean = MeanImage()
    for value in (1.0, 2.0, 6.0):
        image = np.full((2, 3, 1), value, np.float32)
        image[0, 0] = 0
        mean.add(image)
    assert mean.of_size(None)[..., 0].tolist() == [[0, 3, 3], [3, 3, 3]]
    assert mean.of_size((4, 5))[..., 0] == pytest.approx(np.full((4, 5), 2.5))


def test_images_of_different_sizes_have_the_mean_of_all_pixels() -> None:
    mean = MeanImage()
    for side, value in ((1, 4.0), (3, 0.0), (1, 2.0)):
        mean.add(np.full((side, side, 2), value, np.float32))
    assert mean.of_size(None).shape == (1, 1, 2)
    assert mean.of_size((2, 2)) == pytest.approx(np.full((2, 2, 2), 6 / 11))


def test_the_images_do_not_change() -> None:
    mean, image = MeanImage(), np.ones((1, 1, 1), np.float32)
    mean.add(image)
    mean.add(image)
    assert image.item() == 1
