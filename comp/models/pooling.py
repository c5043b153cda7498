"""Global pooling of a timm backbone: that of another kind, or the generalized mean.

timm's convolutional architectures, and some transformers, have exactly one `SelectAdaptivePool2d`,
which turns the last feature map into one vector per image. It is replaced after the pretrained
weights are loaded. Architectures that pool in another way, such as transformers with a class
token, are refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from timm.layers import SelectAdaptivePool2d
from torch import Tensor, nn

from comp.errors import ConfigError

MIN_FEATURE = 1e-6
"""Smaller features count as this one: the mean is that of positive numbers."""
MIN_POWER = 1.0
"""Smaller powers count as this one: below it, gradients of features near 0 are large."""


class GeneralizedMean(nn.Module):
    """The generalized mean of a feature map: mean(x^p)^(1/p), with a power p that trains.

    p = 1 is the average, and the larger p is, the nearer it is to the maximum. Input float
    (N, C, H, W) if `dims` are (2, 3), output float32 (N, C), or (N, C, 1, 1) with `keepdim`. It is
    computed from logarithms in float32, also under autocast, so that large powers do not overflow.

    Radenovic et al., Fine-tuning CNN Image Retrieval with No Human Annotation, 2018.
    """

    def __init__(self, power: float, dims: Sequence[int], keepdim: bool) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), power))
        self.dims, self.keepdim = tuple(dims), keepdim

    def forward(self, features: Tensor) -> Tensor:
        count = math.prod(features.shape[dim] for dim in self.dims)
        with torch.autocast(features.device.type, enabled=False):
            power = self.p.clamp(min=MIN_POWER)
            logs = features.float().clamp(min=MIN_FEATURE).log() * power
            return ((logs.logsumexp(self.dims, self.keepdim) - math.log(count)) / power).exp()


class GemPool2d(SelectAdaptivePool2d):  # type: ignore[misc]
    """timm's pooling layer with a `GeneralizedMean`.

    Input (N, C, H, W), or (N, H, W, C) if `input_fmt` is NHWC; output (N, C) with `flatten`, else
    with sides of 1.
    """

    def __init__(self, power: float, flatten: bool, input_fmt: str) -> None:
        super().__init__(pool_type="fast", flatten=flatten, input_fmt=input_fmt)
        self.pool_type = "gem"
        dims = (1, 2) if input_fmt == "NHWC" else (2, 3)
        self.pool = GeneralizedMean(power, dims, keepdim=not flatten)


def replace_pool(backbone: nn.Module, kind: str, name: str, power: float = 3.0) -> None:
    """Replace the global pooling of a timm backbone, unless the kind is "own".

    Args:
        kind: a value of `head.pool`.
        name: name of the backbone, for the message.
        power: `head.gem_p`.

    Raises:
        ConfigError: the pooling of this architecture cannot be replaced.
    """
    if kind == "own":
        return
    pools = [
        (path, module)
        for path, module in backbone.named_modules()
        if isinstance(module, SelectAdaptivePool2d)
    ]
    if len(pools) != 1 or pools[0][1].is_identity() or pools[0][1].feat_mult() != 1:
        raise ConfigError(
            f"head.pool = '{kind}': the pooling of {name} cannot be replaced; set "
            "head.pool=own or use another backbone, such as resnet34"
        )
    path, pool = pools[0]
    flatten = isinstance(pool.flatten, nn.Flatten) or bool(getattr(pool.pool, "flatten", False))
    channels_last = getattr(pool.pool, "dim", (2, 3)) == (1, 2)
    input_fmt = "NHWC" if channels_last else "NCHW"
    if kind == "gem":
        new: SelectAdaptivePool2d = GemPool2d(power, flatten, input_fmt)
    else:
        new = SelectAdaptivePool2d(pool_type=kind, flatten=flatten, input_fmt=input_fmt)
    backbone.set_submodule(path, new)
