"""Thumbnails of masks and errors."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from comp.review.figures.pictures import SIDE, error_picture, input_picture, mask_picture


def pixels(picture: str) -> np.ndarray:
    """The decoded picture (H, W, 3), RGB."""
    raw = base64.b64decode(picture.partition(",")[2])
    found = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return np.asarray(found[..., ::-1])


def test_the_colour_of_a_mask_says_how_it_is_wrong() -> None:
    target, decided = np.zeros((60, 60)), np.zeros((60, 60))
    target[:, :40] = 1
    decided[:, 20:] = 1
    seen = pixels(mask_picture(np.zeros((60, 60, 1), np.uint8), target, decided))
    strongest = [int(seen[SIDE // 2, SIDE * part // 6].argmax()) for part in (1, 3, 5)]
    assert strongest == [2, 1, 0]


def test_the_colour_of_an_error_says_its_sign() -> None:
    difference = np.zeros((60, 60, 1))
    difference[:, :20], difference[:, 40:] = -0.2, 0.2
    seen = pixels(error_picture(difference, 0.2))
    assert [int(seen[SIDE // 2, SIDE * part // 6].argmax()) for part in (1, 5)] == [2, 0]
    assert seen[SIDE // 2, SIDE // 2].max() < 20


def test_further_channels_of_an_image_are_not_shown_as_colours() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[..., 1:] = 255
    assert pixels(input_picture(image, 1)).max() < 20
    assert pixels(input_picture(image, 0)).max() > 200
