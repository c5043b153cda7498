"""Maps over images."""

from __future__ import annotations

import numpy as np
import pytest

from comp.explanations.agreement import agreement_words, rank_correlation
from comp.explanations.picture import enlarged, heat_of, overlaid, picture_of


def test_heat_is_the_positive_part_at_the_size_of_the_image() -> None:
    signed = np.array([[-2.0, 0.0], [0.0, 4.0]])
    heat = heat_of(signed, (8, 6))
    assert heat.shape == (8, 6)
    assert heat.max() == 1
    assert heat.min() == 0
    assert np.unravel_index(int(heat.argmax()), heat.shape) >= (5, 4)
    assert not heat_of(-np.ones((2, 2)), (4, 4)).any()


def test_padding_is_cut_off() -> None:
    """A map of 2 x 2 cells over 5 x 7 pixels that were padded to 8 x 8."""
    cells = np.array([[0.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(enlarged(cells, (5, 7), 8), enlarged(cells, (8, 8))[:5, :7])


def test_pictures_of_any_channels() -> None:
    grey = picture_of(np.full((1, 2, 3), 0.5, np.float32))
    assert (grey.shape, grey.dtype, int(grey[0, 0, 0])) == ((2, 3, 3), np.uint8, 128)
    assert picture_of(np.zeros((5, 2, 3), np.uint8)).shape == (2, 3, 3)
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 0] = 200
    cold = overlaid(image, np.zeros((4, 4), np.float32))
    assert (cold == cold[0, 0, 0]).all()  # grey: no colour of the image looks like heat
    hot = overlaid(image, np.ones((4, 4), np.float32))
    assert hot[0, 0, 0] > hot[0, 0, 2]


def test_agreement_of_maps() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=(64, 64))
    assert rank_correlation(one, 2 * one + 1) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert abs(rank_correlation(one, rng.normal(size=(64, 64))) or 1) < 0.4
    assert rank_correlation(one, np.ones((64, 64))) is None
    assert rank_correlation(one, np.full((64, 64), np.nan)) is None
    assert rank_correlation(one[:3, :5], one[:3, :5]) == pytest.approx(1)
    words = [agreement_words(value) for value in (0.6, 0.3, -0.1, None)]
    assert words == ["agree", "partly agree", "disagree", "unclear"]
