"""The values of masks: what they mean, and which are refused."""

from __future__ import annotations

import numpy as np
import pytest

from comp.errors import DataError
from comp.tasks.mask_values import encode_masks, mask_problem

INSIDE = np.array([[0, 1, 1], [0, 0, 1]])


def encode(mask: np.ndarray, classes: int = 1, exclusive: bool = False, threshold=None):
    return encode_masks(mask, classes, exclusive, threshold)


@pytest.mark.parametrize(
    "mask",
    [
        INSIDE.astype(np.uint8),
        INSIDE.astype(np.uint8) * 255,
        INSIDE.astype(np.uint16) * 65535,
        INSIDE.astype(bool),
        INSIDE.astype(np.float32),
        np.repeat(INSIDE.astype(np.uint8)[..., None] * 255, 3, axis=2),
        INSIDE.astype(np.uint8)[..., None],
    ],
    ids=["0 and 1", "0 and 255", "16 bits", "bool", "float", "three equal channels", "one channel"],
)
def test_masks_of_one_class_mean_the_same_in_every_form(mask: np.ndarray) -> None:
    """Masks of 0 and 1 were divided by 255, and every decision on them was right."""
    target = encode(mask)
    assert target.dtype == np.float32
    assert np.array_equal(target, INSIDE[..., None])


@pytest.mark.parametrize("value", [1, 255, 65535])
def test_a_full_and_an_empty_mask_are_masks(value: int) -> None:
    assert (encode(np.full((2, 3), value)) == 1).all()
    assert (encode(np.zeros((2, 3), np.uint8)) == 0).all()


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        ([[0, 1, 255]], "has the values 0, 1, 255, but a mask of one class has 0 and 1"),
        ([[0, 128]], "has the values 0, 128"),
        ([[0, 1, 2]], "for several classes name them all"),
        ([list(range(0, 256, 5))], "0, 5, 10, 15, ... 255 (52 values)"),
        ([[0, 254, 255, 3]], "for masks saved as JPEG set threshold=127"),
    ],
)
def test_values_that_fit_no_class_are_refused_with_what_was_found(mask: list, words: str) -> None:
    array = np.array(mask, dtype=np.uint8)
    assert words in mask_problem(array, 1, False, None)
    with pytest.raises(DataError, match="a mask has the values"):
        encode(array)


def test_a_threshold_accepts_the_noise_of_jpeg() -> None:
    noisy = np.array([[0, 3, 127], [128, 250, 255]], dtype=np.uint8)
    assert encode(noisy, threshold=127)[..., 0].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert mask_problem(noisy, 1, False, 127) == ""


def test_several_classes_have_a_channel_each() -> None:
    mask = np.zeros((2, 2, 3), np.uint8)
    mask[0, 0, 0] = mask[0, :, 2] = 255
    assert np.array_equal(encode(mask, 3), mask / 255)
    assert (encode(np.zeros((2, 2, 1), np.uint8), 3) == np.zeros((2, 2, 3))).all()
    assert "has 1 channels, but needs 3" in mask_problem(INSIDE, 3, False, None)
    assert "has the values 0, 2" in mask_problem(np.minimum(mask, 2), 3, False, None)


def test_colours_are_not_a_mask_of_one_class() -> None:
    mask = np.zeros((2, 2, 3), np.uint8)
    mask[..., 0] = 255
    assert mask_problem(mask, 1, False, None).startswith(
        "has 3 channels, which differ, but needs 1"
    )


def test_exclusive_classes_are_indices() -> None:
    mask = np.array([[0, 1], [2, 1]], np.uint8)
    target = encode(mask, 3, exclusive=True)
    assert target.shape == (2, 2, 3)
    assert (target.sum(2) == 1).all()
    assert np.array_equal(target.argmax(2), mask)


@pytest.mark.parametrize("stray", [3, 255])
def test_an_index_without_a_class_is_refused(stray: int) -> None:
    problem = mask_problem(np.array([[0, 1], [2, stray]], np.uint8), 3, True, None)
    assert f"0, 1, 2, {stray}, but 3 exclusive classes have the indices 0 to 2" in problem


def test_a_mask_without_a_value_above_the_threshold_is_refused() -> None:
    """All masks of 0 and 1 were empty, and Dice was 1."""
    words = "has the values 0, 1, and none above threshold=127"
    assert words in mask_problem(INSIDE.astype(np.uint8), 1, False, 127)
    with pytest.raises(DataError, match=words):
        encode(INSIDE, threshold=127)
    assert not encode(np.zeros((2, 3)), threshold=127).any()
