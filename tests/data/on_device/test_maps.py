"""Blurred, sharpened and resampled batches, against OpenCV on each image."""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np
import pytest
import torch
from albumentations.augmentations.blur import functional as blurs
from albumentations.augmentations.pixel import functional

from comp.data import steps as of
from comp.data.on_device import maps
from comp.data.transforms import DOWN, UP, resampled


def photo() -> np.ndarray:
    coarse = np.random.default_rng(0).integers(40, 216, (12, 15, 3), np.uint8)
    return cv2.resize(coarse, (50, 41), interpolation=cv2.INTER_CUBIC)


def batch() -> torch.Tensor:
    return torch.from_numpy(photo()).permute(2, 0, 1)[None].float() / 255


def error(made: torch.Tensor, expected: np.ndarray) -> float:
    return float((made[0].permute(1, 2, 0) * 255 - torch.from_numpy(expected)).abs().max())


@pytest.mark.parametrize("sigma", [0.5, 1.1, 1.9])
def test_a_blur_is_that_of_opencv(sigma: float) -> None:
    step = of.Blur(sigma=(sigma, sigma), downscale=None)
    expected = functional.separable_convolve(photo(), blurs.create_gaussian_kernel_1d(sigma, 0))
    assert error(maps.blur(step, batch(), torch.zeros(1, 4)), expected) <= 1


@pytest.mark.parametrize("scale", [0.43, 0.77])
def test_a_low_resolution_is_that_of_opencv(scale: float) -> None:
    step = of.Blur(sigma=(0.5, 2.0), downscale=(scale, scale))
    made = maps.blur(step, batch(), torch.tensor([[0.0, 0.9, 0.0, 0.0]]))
    expected = functional.downscale(photo(), scale, cv2.INTER_AREA, cv2.INTER_LINEAR)
    assert error(made, expected) < 1.5


def test_sharpening_is_that_of_albumentations() -> None:
    step = of.Sharpen(kernel=(5, 5), sigma=(1.2, 1.2), alpha=(0.6, 0.6))
    expected = functional.unsharp_mask(photo(), 5, 1.2, 0.6, 0)
    assert error(maps.sharpen(step, batch(), torch.zeros(1, 4)), expected) <= 1


@pytest.mark.parametrize("factor", [0.3, 0.85])
def test_resampling_is_that_of_opencv_with_every_interpolation(factor: float) -> None:
    step = of.Resample(scale=(factor, factor))
    pairs = list(product(range(3), range(3)))
    draws = torch.tensor([[0.0, 0.0, (down + 0.5) / 3, (up + 0.5) / 3] for down, up in pairs])
    made = maps.resample(step, batch().expand(9, -1, -1, -1), draws)
    for place, (down, up) in enumerate(pairs):
        expected = resampled(photo(), factor, DOWN[down], UP[up])
        assert error(made[place : place + 1], expected) < 2.5


def test_images_that_are_not_chosen_stay_as_they_are() -> None:
    images = torch.rand(2, 3, 20, 30)
    draws = torch.tensor([[0.9, 0.2, 0.5, 0.5], [0.1, 0.2, 0.5, 0.5]])
    for change, step in (
        (maps.blur, of.Blur(sigma=(0.5, 2.0), downscale=(0.4, 0.8), p=0.5)),
        (maps.sharpen, of.Sharpen(kernel=(3, 7), sigma=(0.5, 2.0), alpha=(0.3, 0.8), p=0.5)),
        (maps.resample, of.Resample(p=0.5)),
    ):
        made = change(step, images, draws)
        assert torch.equal(made[0], images[0])
        assert not torch.allclose(made[1], images[1], atol=0.01)
