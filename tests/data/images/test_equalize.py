"""Equalised images."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from comp.contract.sample import Item, Sample
from comp.data.images.equalize import EqualizedReader, equalized
from comp.data.images.items import ItemReader
from comp.errors import DataError


def dim(channels: int) -> np.ndarray:
    """An image whose values fill only a part of the range."""
    rng = np.random.default_rng(0)
    return rng.integers(80, 120, (40, 48, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("how", ["histogram", "clahe"])
def test_contrast_rises_and_the_form_stays(how: str, channels: int) -> None:
    made = equalized(dim(channels), how)
    assert (made.shape, made.dtype) == (dim(channels).shape, np.dtype(np.uint8))
    assert np.ptp(made.astype(int)) > 1.3 * np.ptp(dim(channels).astype(int))


def test_a_darker_copy_becomes_the_same_image() -> None:
    bright = dim(1)
    dark = (bright.astype(int) // 1 - 60).astype(np.uint8)
    assert np.array_equal(equalized(bright, "histogram"), equalized(dark, "histogram"))
    assert not np.array_equal(bright, dark)


def test_one_channel_is_what_opencv_makes_of_it() -> None:
    plane = dim(1)[..., 0]
    assert np.array_equal(equalized(dim(1), "histogram")[..., 0], cv2.equalizeHist(plane))
    clahe = cv2.createCLAHE(2.0, (3, 2)).apply(plane)  # of 16 pixels or more
    assert np.array_equal(equalized(dim(1), "clahe")[..., 0], clahe)
    large = dim(1).repeat(5, axis=0).repeat(5, axis=1)
    clahe = cv2.createCLAHE(2.0, (8, 8)).apply(large[..., 0])
    assert np.array_equal(equalized(large, "clahe")[..., 0], clahe)


def test_the_colour_of_an_image_stays() -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = np.linspace(60, 120, 16, dtype=np.uint8)
    made = equalized(red, "histogram").astype(int)
    assert (made[:, 8:, 0] > made[:, 8:, 1] + 20).all()


def test_none_returns_the_image_itself() -> None:
    image = dim(3)
    assert equalized(image, "none") is image


def read_as(image: np.ndarray) -> EqualizedReader:
    def reader(_sample: Sample) -> Item:
        return {"image": image, "target": np.float32([1.0])}

    return EqualizedReader(reader, "histogram")


def test_a_reader_equalises_the_image_and_nothing_else() -> None:
    item = read_as(dim(3))(Sample(id="a", image=Path()))
    assert np.array_equal(item["image"], equalized(dim(3), "histogram"))
    assert item["target"] == 1.0


def test_images_of_more_than_8_bits_are_refused() -> None:
    with pytest.raises(DataError, match=r"float32 .* for a: set image\.equalize = none"):
        read_as(dim(3).astype(np.float32))(Sample(id="a", image=Path()))


def test_a_target_is_read_alone_only_if_the_reader_can() -> None:
    plain = EqualizedReader(ItemReader(), "histogram")
    numbers = plain.target_alone(Sample(id="a", image=Path("none.png"), target=2.0))
    assert numbers["target"].tolist() == [2.0]
    assert hasattr(plain, "target_alone")
    assert not hasattr(read_as(dim(3)), "target_alone")
