"""Equalised batches, against OpenCV on each image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from comp.data import steps as of
from comp.data.images.equalize import equalized
from comp.data.on_device.equalize import equalize


def photo(height: int, width: int, channels: int) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(60, 180, (9, 11, channels), np.uint8)
    made = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return made.reshape(height, width, channels)


def made(image: np.ndarray, how: str, limit: float = 2.0) -> np.ndarray:
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    step = of.Equalize(how=how, clip_limit=(limit, limit))
    changed = equalize(step, batch, torch.zeros(1, 2))
    return (changed[0].permute(1, 2, 0) * 255).round().numpy()


@pytest.mark.parametrize("size", [(64, 64), (41, 50), (130, 160), (9, 9)])
@pytest.mark.parametrize("how", ["histogram", "clahe"])
def test_grey_is_equalised_as_by_opencv(how: str, size: tuple[int, int]) -> None:
    image = photo(*size, 1)
    for limit in (1.0, 2.7, 4.0):
        assert np.abs(made(image, how, limit) - equalized(image, how, limit)).max() <= 1


@pytest.mark.parametrize("how", ["histogram", "clahe"])
def test_of_colours_the_lightness_is_equalised(how: str) -> None:
    """OpenCV rounds the colours to 8 bits in between."""
    image = photo(64, 80, 3)
    difference = np.abs(made(image, how) - equalized(image, how))
    assert difference.mean() < 1.5
    assert np.percentile(difference, 99) < 8


def test_an_image_of_one_value_stays() -> None:
    flat = np.full((20, 20, 1), 77, np.uint8)
    assert (made(flat, "histogram") == 77).all()


def test_each_image_of_a_batch_is_equalised_alone() -> None:
    dark = torch.from_numpy(photo(40, 40, 1)).permute(2, 0, 1).float() / 255
    batch = torch.stack([dark, dark / 2 + 0.4])
    step = of.Equalize(how="clahe")
    draws = torch.tensor([[0.0, 0.1], [0.0, 0.8]])
    together = equalize(step, batch, draws)
    for place in range(2):
        alone = equalize(step, batch[place : place + 1], draws[place : place + 1])
        assert torch.equal(together[place], alone[0])
