"""The optimizer, made by timm's factory, and the L1 penalty."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from timm.optim import create_optimizer_v2, get_optimizer_info, list_optimizers
from torch import nn

from comp.config.nearest import did_you_mean
from comp.config.sections import OptimConfig
from comp.errors import ConfigError

FUSED = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
"""Optimizers that can make a step with one kernel on every device."""


def make_optimizer(
    model: nn.Module, config: OptimConfig, fused: bool = False
) -> torch.optim.Optimizer:
    """The optimizer of the parameters that require gradients; norms and biases do not decay.

    The names are timm's: sgd uses Nesterov momentum (plain SGD if `momentum` is 0), momentum uses
    classical momentum, and rmsprop uses momentum too; adagrad, adam and adamw do not. With
    `layer_decay` each group has an `lr_scale`, which the schedule multiplies into its rate.

    Args:
        fused: make each step with one kernel, if the optimizer can.

    Raises:
        ConfigError: timm has no optimizer with this name or cannot make it, or `layer_decay` is set
            for a network whose layers timm does not know.
    """
    if config.name.lower() not in list_optimizers():
        near = did_you_mean(config.name, list_optimizers())
        raise ConfigError(
            f"unknown optimizer '{config.name}': {near}timm has "
            f"{', '.join(list_optimizers()[:8])}, ..."
        )
    decaying = _decaying_module(model)
    if config.layer_decay is not None and not hasattr(decaying, "group_matcher"):
        raise ConfigError(
            f"optim.layer_decay = {config.layer_decay} needs a classifier on a timm backbone, but "
            f"this network is {type(model).__name__}: set optim.layer_decay=none"
        )
    try:
        optimizer: torch.optim.Optimizer = create_optimizer_v2(
            decaying,
            opt=config.name,
            lr=config.lr,
            weight_decay=config.weight_decay,
            momentum=config.momentum,
            layer_decay=config.layer_decay,
            **_optional_arguments(config, fused),
        )
    except (AssertionError, ImportError, IndexError, TypeError, ValueError) as error:
        raise ConfigError(
            f"optimizer '{config.name}' cannot be made with optim.lr = {config.lr}, optim.betas = "
            f"{config.betas} ({str(error) or type(error).__name__}): change optim.betas or the "
            "optimizer"
        ) from error
    return optimizer


def _decaying_module(model: nn.Module) -> nn.Module:
    """The timm backbone, which knows its layers and the weights without decay, if it contains all
    weights of the network; else the network."""
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, nn.Module):
        return model
    in_backbone = {id(weight) for weight in backbone.parameters()}
    return backbone if in_backbone == {id(weight) for weight in model.parameters()} else model


def _optional_arguments(config: OptimConfig, fused: bool) -> dict[str, Any]:
    """Arguments that not every optimizer accepts."""
    arguments: dict[str, Any] = {"betas": tuple(config.betas)} if config.betas else {}
    info = get_optimizer_info(config.name.lower())
    defaults = info.defaults or {}
    if fused and info.opt_class in FUSED:
        arguments["fused"] = True
    if config.momentum == 0 and defaults.get("nesterov"):
        arguments["nesterov"] = False  # torch refuses Nesterov without momentum
    return arguments


def moments_of(name: str) -> Collection[str]:
    """Which of the keys "betas" and "momentum" an optimizer reads."""
    if name.lower() not in list_optimizers():
        return ("betas", "momentum")
    info = get_optimizer_info(name.lower())
    has = {"betas": info.has_betas, "momentum": info.has_momentum}
    return tuple(key for key, value in has.items() if value)


def l1_penalty(model: nn.Module) -> torch.Tensor:
    """The sum of the absolute weights that train, without norms and biases; a scalar on their
    device."""
    sums = [
        weight.abs().sum()
        for name, weight in model.named_parameters()
        if weight.requires_grad and weight.ndim > 1 and not name.endswith(".bias")
    ]
    return torch.stack(sums).sum() if sums else torch.zeros(())
