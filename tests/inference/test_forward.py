from __future__ import annotations

import pytest
import torch
from torch import nn

from comp.inference.forward import Forward
from comp.inference.tta import SYMMETRIES


class Corner(nn.Module):
    """The value of the upper left pixel of each channel."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[..., 0, 0]


class Doubled(nn.Module):
    """Twice the image; its sides must be multiples of 4."""

    multiple = 4

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape[-1] % 4 == 0
        assert images.shape[-2] % 4 == 0
        return images * 2


def corners() -> torch.Tensor:
    """An image of 8 bits whose corners are 0, 51, 102 and 255."""
    image = torch.zeros(1, 1, 3, 3, dtype=torch.uint8)
    image[0, 0, 0, 2], image[0, 0, 2, 0], image[0, 0, 2, 2] = 51, 102, 255
    return image


@pytest.mark.parametrize(
    ("tta", "mean"), [("none", 0.0), ("hflip", 0.1), ("vflip", 0.2), ("flips", 0.4)]
)
def test_copies_are_averaged(tta: str, mean: float) -> None:
    assert Forward(model=Corner(), tta=tta)(corners()).item() == pytest.approx(mean)


def test_the_activation_comes_before_the_mean() -> None:
    forward = Forward(model=Corner(), tta="hflip", activation=torch.square)
    assert forward(corners()).item() == pytest.approx(0.02)


@pytest.mark.parametrize("tta", SYMMETRIES)
@pytest.mark.parametrize("tile", [64, 8])
def test_images_are_padded_tiled_and_turned_back(tta: str, tile: int) -> None:
    images = torch.rand(2, 3, 18, 13, generator=torch.Generator().manual_seed(0))
    forward = Forward(model=Doubled(), tta=tta, output="image", tile=tile, overlap=2)
    found = forward(images)
    assert found.shape == (2, 18, 13, 3)
    assert torch.allclose(found, 2 * images.permute(0, 2, 3, 1))


def test_other_inputs_are_passed_on_as_they_are() -> None:
    class Both(nn.Module):
        def forward(self, other: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
            return other + images[:, :, 0, 0]

    forward = Forward(model=Both(), tta="hflip", inputs=("more", "image"))
    more = torch.tensor([[1.0]])
    assert forward(corners(), {"more": more}).item() == pytest.approx(1.1)


class InPlace(nn.Module):
    """A network that normalises its input where it is."""

    def forward(self, images: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return images.sub_(0.5).mul_(3) * other.add_(1)


class NotInPlace(nn.Module):
    def forward(self, images: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return (images - 0.5) * 3 * (other + 1)


@pytest.mark.parametrize("tta", SYMMETRIES)
@pytest.mark.parametrize("tile", [64, 8])
def test_a_network_may_change_its_inputs(tta: str, tile: int) -> None:
    images = torch.rand(2, 3, 16, 12, generator=torch.Generator().manual_seed(0))
    others = {"other": torch.ones(2, 1, 1, 1)}
    how = {"tta": tta, "output": "image", "tile": tile, "overlap": 2}
    found, expected = (
        Forward(model=model(), inputs=("image", "other"), **how)(images.clone(), others)  # type: ignore[arg-type]
        for model in (InPlace, NotInPlace)
    )
    assert torch.equal(found, expected)
    assert others["other"].eq(1).all()
