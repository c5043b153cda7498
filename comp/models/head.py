"""The head that the section `head` describes, on a timm backbone."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers import SelectAdaptivePool2d
from torch import Tensor, nn

from comp.config.head import HeadConfig
from comp.config.image_size import height_and_width
from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.cosine_head import CosineConv2d, CosineLinear, no_cosines, use_cosine_head
from comp.models.pooling import replace_pool


def configure_head(backbone: nn.Module, config: RunConfig, scaled: bool) -> None:
    """Give a timm backbone the pooling and the last layer of `config.head`.

    Args:
        scaled: whether the outputs get the mean and the standard deviation of the targets.

    Raises:
        ConfigError: the architecture does not support it, or the outputs are numbers, which a
            cosine is not.
    """
    head, name = config.head, config.backbone
    if head.pool != "own" and "global_pool" in config.backbone_args:
        raise ConfigError("backbone_args.global_pool cannot be set: it follows from head.pool")
    replace_pool(backbone, head.pool, name, head.gem_p)
    if head.kind == "linear":
        return
    if scaled:
        raise ConfigError(
            "head.kind = 'cosine' is for classes, but this competition predicts numbers or grades: "
            "set head.kind=linear"
        )
    use_cosine_head(backbone, config.loss.scale, name)


def check_head_is_used(model: Any, config: RunConfig) -> None:
    """Check that a classifier pools once, and that its outputs are the cosines of its last layer.

    Raises:
        ConfigError: it does not.
    """
    if config.head == HeadConfig():
        return
    pools, cosines = _outputs_inside(model)
    if config.head.pool != "own" and len(pools) != 1:
        raise ConfigError(
            f"head.pool = '{config.head.pool}': {config.backbone} does not use its pooling layer "
            "once; set head.pool=own or use another backbone"
        )
    if config.head.kind == "cosine" and cosines != [True]:
        raise no_cosines(config.backbone)


def _outputs_inside(model: Any) -> tuple[list[Tensor], list[bool]]:
    """What the pooling layers return for a random image, and whether each output of a cosine layer
    is that of the network."""
    spec = model.input_spec
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, spec.channels, *height_and_width(spec.size), generator=generator)
    pools: list[Tensor] = []
    cosines: list[Tensor] = []
    kinds = {SelectAdaptivePool2d: pools, CosineLinear: cosines, CosineConv2d: cosines}
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, out, outs=outs: outs.append(out))
        for module in model.modules()
        for kind, outs in kinds.items()
        if isinstance(module, kind)
    ]
    training = model.training
    with torch.no_grad():
        output = model.eval()(image)
    model.train(training)
    for hook in hooks:
        hook.remove()
    return pools, [torch.equal(out.flatten(1), output) for out in cosines]


def check_head(model: nn.Module, config: RunConfig) -> None:
    """Check that a network has the head of the configuration.

    Raises:
        ConfigError: the section `head` is set for a network that is not a classifier on a timm
            backbone.
    """
    changed = config.head.model_dump(exclude_defaults=True)
    heads: list[Any] = [getattr(module, "head_config", None) for module in model.modules()]
    if changed and config.head not in heads:
        key, value = next(iter(changed.items()))
        raise ConfigError(
            f"head.{key} = {value!r} needs a classifier on a timm backbone, but this network is "
            f"{type(model).__name__}: leave it out"
        )
