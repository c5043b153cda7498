"""Noise, rectangles and JPEG in a batch."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from comp.data import steps as of
from comp.data.on_device import damage
from comp.data.transforms import compressed


def photo(channels: int = 3) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(40, 216, (12, 15, channels), np.uint8)
    return cv2.resize(coarse, (50, 41), interpolation=cv2.INTER_CUBIC).reshape(41, 50, channels)


@pytest.mark.parametrize("quality", [30, 50, 90])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_jpeg_leaves_the_traces_of_the_encoder(quality: int, channels: int) -> None:
    image = photo(channels)
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    made = damage.jpeg(of.Jpeg(quality=(quality, quality)), batch, torch.zeros(1, 2))
    shown = (made[0].permute(1, 2, 0) * 255).numpy()
    expected = compressed(image, quality).astype(float)
    lost = np.abs(expected - image).mean()
    assert np.abs(shown - expected).mean() < 0.35 * lost
    assert np.abs(shown - image).mean() == pytest.approx(lost, rel=0.15)


def test_noise_has_its_deviation_and_the_channels_share_it() -> None:
    grey = torch.full((3, 3, 60, 60), 0.5)
    draws = torch.tensor([[0.0, k / 3, 0.1 * k, 0.7] for k in range(3)])
    made = damage.noise(of.GaussNoise(std=(0.01, 0.04)), grey, draws)
    assert made.std((1, 2, 3)).tolist() == pytest.approx([0.01, 0.02, 0.03], rel=0.05)
    assert torch.equal(made[:, 0], made[:, 2])
    apart = damage.noise(of.GaussNoise(std=(0.01, 0.04), per_channel=True), grey, draws)
    assert not torch.equal(apart[:, 0], apart[:, 2])


def test_rectangles_are_black_and_inside_and_as_many_as_drawn() -> None:
    generator = np.random.default_rng(0)
    draws = torch.from_numpy(generator.random((200, 14), dtype=np.float32))
    step = of.Erase(holes=(1, 3), sides=(0.1, 0.3))
    made = damage.erase(step, torch.ones(200, 2, 40, 60), draws)
    assert set(made.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(made[:, 0], made[:, 1])
    areas = (1 - made[:, 0]).sum((1, 2))
    assert areas.min() >= 4 * 6
    assert areas.max() <= 3 * 12 * 18
    one = damage.erase(
        of.Erase(holes=(1, 1), sides=(0.2, 0.2)), torch.ones(9, 1, 40, 60), draws[:9]
    )
    assert (1 - one).sum((1, 2, 3)).unique().tolist() == [8 * 12]
