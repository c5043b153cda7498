"""Thumbnails: size, colours, and images of odd shapes."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from comp.page.thumbnails import SIDE, thumbnail, unit_picture


def decoded(uri: str) -> np.ndarray:
    """The pixels of a data URI, uint8 RGB (H, W, 3)."""
    head, _, body = uri.partition(",")
    assert head == "data:image/webp;base64"
    image = cv2.imdecode(np.frombuffer(base64.b64decode(body), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image[..., ::-1]


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((300, 600, 3), (SIDE // 2, SIDE)),
        ((20, 10), (SIDE, SIDE // 2)),
        ((20, 20, 1), (SIDE, SIDE)),
        ((20, 20, 2), (SIDE, SIDE)),
        ((20, 20, 5), (SIDE, SIDE)),
        ((1, 5000, 3), (1, SIDE)),
    ],
)
def test_the_longer_side_has_a_fixed_size(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    assert decoded(thumbnail(np.full(shape, 90, np.uint8))).shape[:2] == size


def test_red_stays_red() -> None:
    red = np.zeros((40, 40, 3), np.uint8)
    red[..., 0] = 250
    shown = decoded(thumbnail(red)).reshape(-1, 3).mean(axis=0)
    assert shown[0] > 200
    assert shown[1:].max() < 40


def test_values_of_a_mask_become_grey() -> None:
    values = np.array([[0.0, 0.5], [1.5, np.nan]])[..., None]
    assert unit_picture(values)[..., 0].tolist() == [[0, 128], [255, 0]]
