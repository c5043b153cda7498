"""The optimizer from the configuration, through timm's factory, and the L1 penalty."""

from __future__ import annotations

from typing import Any

import torch
from timm.optim import create_optimizer_v2, get_optimizer_info, list_optimizers
from torch import nn

from comp.config.sections import OptimConfig
from comp.errors import ConfigError


def make_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """The optimizer over the parameters that require gradients; norms and biases do not decay.

    Names are timm's: sgd is that with Nesterov's momentum, plain where `momentum` is 0, and
    momentum is that with the classical one; rmsprop has a momentum too; adagrad, adam and adamw
    have none. With `layer_decay` each group has an `lr_scale`, which the schedule heeds.

    Raises:
        ConfigError: when timm knows no optimizer of this name, it cannot be made, or `layer_decay`
            is asked of a network whose layers timm does not know.
    """
    if config.name.lower() not in list_optimizers():
        raise ConfigError(
            f"unknown optimizer '{config.name}': timm has {', '.join(list_optimizers()[:8])}, ..."
        )
    part = _decaying_part(model)
    if config.layer_decay is not None and not hasattr(part, "group_matcher"):
        raise ConfigError(
            f"optim.layer_decay = {config.layer_decay}: only a classifier on a timm backbone has "
            "layers in order; use optim.layer_decay = none"
        )
    try:
        optimizer: torch.optim.Optimizer = create_optimizer_v2(
            part,
            opt=config.name,
            lr=config.lr,
            weight_decay=config.weight_decay,
            momentum=config.momentum,
            layer_decay=config.layer_decay,
            **_own(config),
        )
    except (AssertionError, ImportError, IndexError, TypeError, ValueError) as error:
        raise ConfigError(
            f"optimizer '{config.name}' cannot be made with optim.lr = {config.lr}, optim.betas = "
            f"{config.betas}: {str(error) or type(error).__name__}"
        ) from error
    return optimizer


def _decaying_part(model: nn.Module) -> nn.Module:
    """The timm backbone that holds all the weights, and knows its layers and which of them timm
    keeps from decaying; or the whole network."""
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, nn.Module):
        return model
    held = {id(weight) for weight in backbone.parameters()}
    return backbone if held == {id(weight) for weight in model.parameters()} else model


def _own(config: OptimConfig) -> dict[str, Any]:
    """Arguments that not every optimizer takes."""
    own: dict[str, Any] = {"betas": tuple(config.betas)} if config.betas else {}
    defaults = get_optimizer_info(config.name.lower()).defaults or {}
    if config.momentum == 0 and defaults.get("nesterov"):
        own["nesterov"] = False  # there is nothing to look ahead to, and torch refuses
    return own


def l1_penalty(model: nn.Module) -> torch.Tensor:
    """The sum of the absolute weights that train and decay, a scalar on their device; norms and
    biases are left out."""
    sums = [
        weight.abs().sum()
        for name, weight in model.named_parameters()
        if weight.requires_grad and weight.ndim > 1 and not name.endswith(".bias")
    ]
    return torch.stack(sums).sum() if sums else torch.zeros(())
