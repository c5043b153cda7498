"""The layer of maps, found in networks of every layout."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from comp.explanations.layer import MapLayer, find_layer
from comp.models.encoder_decoder import EncoderDecoder
from comp.models.head_init import last_layers

CASES = {
    "test_resnet": ("layer4", "channels first", (5, 5), ()),
    "test_efficientnet": ("bn2", "channels first", (5, 5), ()),
    "test_convnext": ("norm_pre", "channels first", (5, 5), ()),
    "test_mambaout": ("stages", "channels last", (5, 5), ()),
    "test_vit": ("blocks.5.norm1", "tokens", (10, 10), (0,)),
    "test_vit3": ("norm", "tokens", (10, 10), ()),
}


def layer_of(network: nn.Module, *size: int, dense: bool = False) -> MapLayer | None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    return find_layer(network.eval(), network, image, dense)


@pytest.mark.parametrize("name", CASES)
def test_the_last_features_with_a_place(name: str) -> None:
    network = timm.create_model(name, num_classes=2)
    found = layer_of(network, 160, 160)
    assert found is not None
    assert (found.name, found.layout, found.grid, found.read) == CASES[name]
    image = torch.rand(2, 3, 160, 160)
    with torch.no_grad():
        before = network(image)
    sizes: list[torch.Size] = []
    with found.probed() as probe:
        probe.register_forward_hook(lambda _module, _inputs, out: sizes.append(out.shape))
        torch.testing.assert_close(network(image), before)
    assert sizes[0][2:] == found.grid
    assert not found.module._forward_hooks


def test_a_coarse_map_gives_way_to_an_earlier_layer_also_if_not_square() -> None:
    found = layer_of(timm.create_model("test_resnet", num_classes=1), 96, 160)
    assert found is not None
    assert (found.name, found.grid) == ("layer3", (6, 10))


def test_tokens_of_an_image_that_is_not_square() -> None:
    network = timm.create_model("test_vit", num_classes=1, img_size=(64, 128))
    found = layer_of(network, 64, 128)
    assert found is not None
    assert (found.grid, found.prefix) == ((4, 8), 1)


def test_branches_without_a_last_one_have_no_layer() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 4, 8, 8), nn.Conv2d(3, 4, 4, 4)
            self.head = nn.Linear(4, 1)

        def forward_features(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.one(x), self.two(x)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            one, two = self.forward_features(x)
            out: torch.Tensor = self.head(one.mean((2, 3)) + two.mean((2, 3)))
            return out

    assert layer_of(Branches(), 64, 64) is None


def test_an_encoder_ends_with_its_last_feature_map() -> None:
    encoder = timm.create_model("test_resnet", features_only=True)
    network = EncoderDecoder(encoder, 3, 1)
    nn.init.ones_(network.head.weight)
    found = layer_of(network, 128, 160, dense=True)
    assert found is not None
    assert (found.name, found.grid) == ("encoder.layer4", (4, 5))


def test_a_network_without_a_place_and_one_whose_head_is_zero() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 1))
    assert layer_of(flat, 8, 8) is None
    network = timm.create_model("test_resnet", num_classes=1)
    nn.init.zeros_(last_layers(network)[-1].weight)
    assert layer_of(network, 160, 160) is None
