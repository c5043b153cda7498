"""The last layer computes in float32, also under bf16 autocast."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import timm
import torch
from timm.utils import ModelEmaV3
from torch import nn

from comp.models.float32_head import Float32Conv2d, Float32Linear, use_float32_head


def tiny(name: str = "test_resnet") -> Any:
    torch.manual_seed(0)
    return timm.create_model(name, num_classes=1).eval()


def distinct(model: nn.Module, bias: float = 100.0) -> int:
    """The number of different outputs of 400 images under bf16 autocast."""
    backbone: Any = model
    with torch.no_grad():
        backbone.get_classifier().bias.fill_(bias)
        images = torch.rand(400, 3, 32, 32) * torch.linspace(0, 1, 400).view(-1, 1, 1, 1)
        with torch.autocast("cpu", torch.bfloat16):
            return len(model(images).float().unique())


def test_numbers_under_bf16_are_as_fine_as_float32() -> None:
    assert distinct(tiny()) < 40
    assert distinct(use_float32_head(tiny())) > 350


def test_the_output_is_float32_and_that_of_float32_without_autocast() -> None:
    plain, changed = tiny(), use_float32_head(tiny())
    image = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(plain(image), changed(image))
        with torch.autocast("cpu", torch.bfloat16):
            assert plain(image).dtype == torch.bfloat16
            assert changed(image).dtype == torch.float32


def test_copies_averages_and_state_dicts_keep_the_float32_head() -> None:
    model = use_float32_head(tiny())
    assert list(model.state_dict()) == list(tiny().state_dict())
    for other in (copy.deepcopy(model), ModelEmaV3(model).module):
        assert type(other.get_classifier()) is Float32Linear
        assert distinct(other) > 350


def test_gradients_flow_through_the_head_under_autocast() -> None:
    model = use_float32_head(tiny()).train()
    with torch.autocast("cpu", torch.bfloat16):
        model(torch.rand(2, 3, 32, 32)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("name", ["test_vit", "test_convnext", "deit_tiny_distilled_patch16_224"])
def test_the_heads_of_other_architectures_change_too(name: str) -> None:
    model: Any = use_float32_head(timm.create_model(name, num_classes=2))
    found = model.get_classifier()
    heads = found if isinstance(found, tuple) else (found,)
    assert {type(head) for head in heads} == {Float32Linear}


class Odd(nn.Module):
    """A backbone with any head."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def get_classifier(self) -> nn.Module:
        return self.head


def test_a_convolution_and_a_head_of_several_layers_change_and_others_do_not() -> None:
    convolution = nn.Conv2d(4, 2, 1)
    use_float32_head(Odd(convolution))
    assert type(convolution) is Float32Conv2d
    with torch.autocast("cpu", torch.bfloat16):
        assert convolution(torch.rand(1, 4, 1, 1)).dtype == torch.float32
    layers = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1), nn.Dropout())
    use_float32_head(Odd(layers))
    assert [type(layer) for layer in layers][:3] == [nn.Linear, nn.ReLU, Float32Linear]
    assert type(use_float32_head(Odd(nn.Identity())).get_submodule("head")) is nn.Identity
    assert type(use_float32_head(nn.Linear(2, 1))) is nn.Linear
