"""The last layer of cosines, against numpy."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import timm
import torch
from timm.utils import ModelEmaV3
from torch import nn

from comp.errors import ConfigError
from comp.models.cosine_head import CosineConv2d, CosineLinear, use_cosine_head
from comp.models.float32_head import use_float32_head


class Network(nn.Module):
    """A backbone with any head."""

    def __init__(self, head: nn.Module | tuple[nn.Module, ...]) -> None:
        super().__init__()
        self.head: Any = head

    def get_classifier(self) -> Any:
        return self.head


def cosine_layer(layer: nn.Module, scale: float = 30.0) -> Any:
    use_cosine_head(Network(layer), scale, "net")
    return layer


def test_outputs_are_scaled_cosines() -> None:
    layer = cosine_layer(nn.Linear(7, 4), 12.0)
    x, weight = 5 * torch.randn(3, 7), layer.weight.detach().numpy().astype(np.float64)
    vectors = x.numpy().astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1)[:, None] * np.linalg.norm(weight, axis=1)
    expected = 12 * (vectors @ weight.T) / norms
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(layer(1000 * x), layer(x))


def test_a_convolution_of_one_pixel_returns_the_same_as_a_linear_layer() -> None:
    linear, convolution = cosine_layer(nn.Linear(7, 4)), cosine_layer(nn.Conv2d(7, 4, 1))
    assert (type(linear), type(convolution)) == (CosineLinear, CosineConv2d)
    with torch.no_grad():
        convolution.weight.copy_(linear.weight[..., None, None])
    x = torch.randn(3, 7)
    torch.testing.assert_close(convolution(x[..., None, None]).flatten(1), linear(x))


@pytest.mark.parametrize("length", [0.0, 1e-30, 1e-6, 1e15])
def test_gradients_at_extremes_are_finite(length: float) -> None:
    layer = cosine_layer(nn.Linear(3, 2))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]) * max(length, 1))
    x = torch.tensor([[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]]).mul(length).requires_grad_()
    out = layer(x)
    out.sum().backward()
    assert x.grad is not None
    assert all(bool(tensor.isfinite().all()) for tensor in (out, x.grad, layer.weight.grad))
    assert out.detach().abs().max() <= 30.0001


def test_outputs_under_autocast_are_float32_and_stay_cosines_in_copies() -> None:
    model = timm.create_model("test_resnet", num_classes=2).eval()
    use_cosine_head(model, 30.0, "test_resnet")
    use_float32_head(model)
    assert [name for name in model.state_dict() if name.startswith("fc")] == ["fc.weight"]
    features = torch.randn(2, model.num_features)
    expected = model.get_classifier()(features)
    for other in (model, copy.deepcopy(model), ModelEmaV3(model).module):
        with torch.autocast("cpu", torch.bfloat16):
            found = other.get_classifier()(features)
        assert found.dtype == torch.float32
        assert torch.equal(found, expected)


@pytest.mark.parametrize(
    "head",
    [
        nn.Identity(),
        (nn.Linear(2, 2), nn.Linear(2, 2)),
        nn.Conv2d(2, 2, 3),
    ],
    ids=["none", "two", "wide"],
)
def test_other_heads_are_refused(head: Any) -> None:
    with pytest.raises(ConfigError, match=r"net does not end in one linear layer; set head\.kind="):
        use_cosine_head(Network(head), 30.0, "net")
