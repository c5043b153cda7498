"""Brightness and colours of a batch, against albumentations on each image."""

from __future__ import annotations

import numpy as np
import torch
from albumentations.augmentations.pixel import functional

from comp.data import steps as of
from comp.data.on_device import light


def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)


def batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def error(made: torch.Tensor, expected: np.ndarray) -> float:
    return float((made[0].permute(1, 2, 0) * 255 - torch.from_numpy(expected)).abs().max())


def test_brightness_and_contrast() -> None:
    step = of.RandomBrightnessContrast(brightness=0.2, contrast=0.4)
    made = light.brightness_contrast(step, batch(photo()), torch.tensor([[0.0, 0.75, 0.25]]))
    expected = np.clip(photo() * 1.2 - 0.1 * 255, 0, 255).astype(np.float32)
    assert error(made, expected) < 0.01


def test_gamma() -> None:
    step = of.RandomGamma(gamma=(1.4, 1.4))
    made = light.gamma(step, batch(photo()), torch.zeros(1, 2))
    assert error(made, functional.gamma_transform(photo(), 1.4)) <= 1


def test_saturation_and_hue_in_both_orders() -> None:
    step = of.ColorJitter(saturation=(1.3, 1.3), hue=(0.1, 0.1))
    hue, saturation = functional.adjust_hue_torchvision, functional.adjust_saturation_torchvision
    for first, expected in (
        (0.4, hue(saturation(photo(), 1.3), 0.1)),
        (0.6, saturation(hue(photo(), 0.1), 1.3)),
    ):
        made = light.color(step, batch(photo()), torch.tensor([[0.0, 0.0, 0.0, first]]))
        assert error(made, expected) < 7  # OpenCV counts the hue in steps of two degrees


def test_other_images_than_colour_keep_their_colours() -> None:
    step = of.ColorJitter(saturation=(1.3, 1.3), hue=(0.1, 0.1))
    grey = batch(photo()[..., :1])
    assert light.color(step, grey, torch.zeros(1, 4)) is grey
