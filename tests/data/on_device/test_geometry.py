"""Moved images and masks of a batch, against OpenCV on each image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from albumentations.augmentations.geometric import functional

from comp.data import steps as of
from comp.data.on_device import geometry

HEIGHT, WIDTH = 30, 42


def photo() -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def batch(image: np.ndarray, count: int = 1) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).float().div(255).expand(count, -1, -1, -1)


def pixels(images: torch.Tensor) -> np.ndarray:
    return (images.permute(0, 2, 3, 1) * 255).round().byte().numpy()


def warped(image: np.ndarray, scale: float, angle: float, shift: tuple[int, int], **how):
    matrix = functional.create_affine_transformation_matrix(
        {"x": shift[0], "y": shift[1]},
        {"x": 0.0, "y": 0.0},
        {"x": scale, "y": scale},
        angle,
        functional.center(image.shape[:2]),
    )
    return cv2.warpAffine(image, matrix[:2], (WIDTH, HEIGHT), **how)


@pytest.mark.parametrize("border", ["reflect", "black"])
@pytest.mark.parametrize(("scale", "angle"), [(1.0, 0.0), (0.7, 31.0), (1.3, -75.0)])
def test_an_affine_map_is_that_of_opencv(scale: float, angle: float, border: of.Border) -> None:
    step = of.Affine(scale=(scale, scale), shift=(-0.2, 0.2), rotate=(angle, angle), border=border)
    draws = torch.tensor([[0.0, 0.5, 0.5, 0.9, 0.2]])
    shift = (int(0.16 * WIDTH), -int(0.12 * HEIGHT))
    mode = {"reflect": cv2.BORDER_REFLECT_101, "black": cv2.BORDER_CONSTANT}[border]
    made = pixels(geometry.affine(step, batch(photo()), draws, False))[0]
    expected = warped(photo(), scale, angle, shift, flags=cv2.INTER_LINEAR, borderMode=mode)
    assert np.abs(made.astype(int) - expected).max() <= 2
    mask = (photo()[..., :1] > 127) * np.uint8(255)
    moved = pixels(geometry.affine(step, batch(mask), draws, True))[0, ..., 0]
    expected = warped(mask, scale, angle, shift, flags=cv2.INTER_NEAREST, borderMode=mode)
    assert np.mean(moved != expected) < 0.01
    assert set(np.unique(moved)) <= {0, 255}


def test_a_stretch_changes_the_width_alone() -> None:
    step = of.Stretch(width=(2.0, 2.0))
    made = geometry.stretch(step, batch(photo()), torch.tensor([[0.0, 0.3]]), False)
    middle = batch(photo())[..., WIDTH // 4 + 1 : -WIDTH // 4]
    assert torch.allclose(made.mean(3), middle.mean(3), atol=0.06)
    assert not torch.allclose(made, batch(photo()), atol=0.1)


def test_flips_and_turns_are_exact_and_each_image_has_its_own() -> None:
    square = batch(photo()[:, :HEIGHT], 4)
    turns = geometry.quarter_turns(
        of.RandomRotate90(), square, torch.tensor([[0.0, k / 4] for k in range(4)]), False
    )
    for k in range(4):
        assert torch.equal(turns[k], square[k].rot90(k, (1, 2)))
    draws = torch.tensor([[0.4], [0.6], [0.0], [0.9]])
    flipped = geometry.horizontal_flip(of.HorizontalFlip(), square, draws, False)
    upside = geometry.vertical_flip(of.VerticalFlip(), square, draws, False)
    for k, changed in enumerate([True, False, True, False]):
        assert torch.equal(flipped[k], square[k].flip(2) if changed else square[k])
        assert torch.equal(upside[k], square[k].flip(1) if changed else square[k])
