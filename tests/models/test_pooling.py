"""Global pooling: values from numpy, extremes, and the architectures whose pooling is replaced."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import timm
import torch
from timm.layers import SelectAdaptivePool2d
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from comp.errors import ConfigError
from comp.models.pooling import MIN_FEATURE, GemPool2d, GeneralizedMean, replace_pool


def gem(power: float) -> GeneralizedMean:
    return GeneralizedMean(power, (2, 3), keepdim=False)


def features(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def mean_by_numpy(array: np.ndarray, power: float, axes: tuple[int, int]) -> np.ndarray:
    positive = np.maximum(array.astype(np.float64), MIN_FEATURE)
    return np.asarray((positive**power).mean(axis=axes) ** (1 / power))


@pytest.mark.parametrize("power", [1.0, 3.0, 6.5])
def test_generalized_mean_is_that_of_numpy(power: float) -> None:
    found = gem(power)(2 * features(2, 5, 4, 3)).detach().numpy()
    expected = mean_by_numpy(2 * features(2, 5, 4, 3).numpy(), power, (2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_generalized_mean_of_one_map_by_hand() -> None:
    pool = gem(2.0)
    out = pool(torch.tensor([[[[3.0, 4.0], [0.0, -9.0]]]]))
    assert out.item() == pytest.approx(2.5)  # sqrt((9 + 16) / 4); -9 counts as 0
    out.backward()
    assert pool.p.grad is not None
    step = 1e-3
    values = [mean_by_numpy(np.array([[3, 4], [0, 0]]), 2 + s, (0, 1)) for s in (step, -step)]
    assert pool.p.grad.item() == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-3)


@pytest.mark.parametrize("power", [-3.0, 0.0, 0.5, 1.0, 3.0, 200.0])
@pytest.mark.parametrize("value", [0.0, -1.0, 1e-7, 1.0, 1e20])
def test_values_and_gradients_at_extremes_are_finite(power: float, value: float) -> None:
    pool, x = gem(power), torch.full((1, 2, 3, 3), value)
    x[0, 0, 0, 0] = 5.0
    x.requires_grad_()
    out = pool(x)
    out.sum().backward()
    assert x.grad is not None
    assert pool.p.grad is not None
    assert out.isfinite().all()
    assert x.grad.abs().max() <= 1.01
    assert pool.p.grad.isfinite().all()
    if power < 1:
        torch.testing.assert_close(out, gem(1.0)(x))


def test_generalized_mean_is_float32_under_autocast() -> None:
    x = features(2, 5, 4, 4).to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        out = gem(3.0)(x)
    assert out.dtype == torch.float32
    assert torch.equal(out, gem(3.0)(x.float()))


@pytest.mark.parametrize("flatten", [True, False])
@pytest.mark.parametrize("input_fmt", ["NCHW", "NHWC"])
@pytest.mark.parametrize("kind", ["gem", "avg", "max", "avgmax"])
def test_a_new_pool_has_the_layout_of_the_old(kind: Any, input_fmt: str, flatten: bool) -> None:
    old = SelectAdaptivePool2d(pool_type="avg", flatten=flatten, input_fmt=input_fmt)
    model = nn.Sequential(old)
    replace_pool(model, kind, "net")
    x = features(2, 5, 4, 3)
    assert model(x).shape == old(x).shape
    axes = (1, 2) if input_fmt == "NHWC" else (2, 3)
    array = x.numpy()
    mean, largest = array.mean(axes), array.max(axes)
    expected = {
        "gem": mean_by_numpy(array, 3, axes),
        "avg": mean,
        "max": largest,
        "avgmax": (mean + largest) / 2,
    }
    found = model(x).detach().flatten(1).numpy()
    np.testing.assert_allclose(found, expected[kind], rtol=1e-5, atol=1e-6)


def test_own_pooling_stays() -> None:
    model = timm.create_model("test_resnet", num_classes=2)
    pool = model.global_pool
    replace_pool(model, "own", "test_resnet", 4.0)
    assert model.global_pool is pool


@pytest.mark.parametrize(
    "name", ["test_resnet", "test_efficientnet", "test_convnext", "lcnet_035", "test_byobnet"]
)
def test_the_network_computes_with_the_new_pool(name: str) -> None:
    model = timm.create_model(name, num_classes=3).eval()
    averages = copy.deepcopy(model)
    replace_pool(model, "gem", name, 1.0)
    (pool,) = [module for module in model.modules() if isinstance(module, GemPool2d)]
    image = torch.rand(1, 3, 64, 64)
    before: list[Tensor] = []
    pool.register_forward_pre_hook(lambda _module, inputs: before.append(inputs[0]))
    with torch.no_grad():
        out = model(image)
        replaced = model.forward_head(before[0].clamp(min=MIN_FEATURE))
        expected = averages.forward_head(before[0].clamp(min=MIN_FEATURE))
    assert out.shape == (1, 3)
    torch.testing.assert_close(replaced, expected, rtol=1e-4, atol=1e-5)


def test_copies_and_averages_keep_the_power() -> None:
    model = timm.create_model("test_resnet", num_classes=2)
    replace_pool(model, "gem", "test_resnet")
    for other in (copy.deepcopy(model), ModelEmaV3(model).module):
        assert other.state_dict()["global_pool.pool.p"].tolist() == [3.0]


@pytest.mark.parametrize("pool_type", ["", "catavgmax"])
def test_pools_that_cannot_be_replaced_are_refused(pool_type: str) -> None:
    model = nn.Sequential(SelectAdaptivePool2d(pool_type=pool_type))
    with pytest.raises(ConfigError, match=r"head\.pool = 'max': the pooling of net cannot be"):
        replace_pool(model, "max", "net")


def test_a_transformer_with_a_class_token_is_refused() -> None:
    model = timm.create_model("test_vit", num_classes=2)
    with pytest.raises(ConfigError, match=r"test_vit cannot be replaced; set head\.pool=own"):
        replace_pool(model, "gem", "test_vit")
