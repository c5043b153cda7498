"""Optimizer and schedule from the configuration, through timm's factories."""

from __future__ import annotations

import logging

import torch
from timm.optim import create_optimizer_v2, list_optimizers
from timm.scheduler import CosineLRScheduler
from timm.scheduler.scheduler import Scheduler
from torch import nn

from comp.config import OptimConfig
from comp.errors import ConfigError


def make_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """The optimizer over the parameters that require gradients; norms and biases do not decay.

    Raises:
        ConfigError: when timm knows no optimizer of this name, or it cannot be made.
    """
    if config.name.lower() not in list_optimizers():
        raise ConfigError(
            f"unknown optimizer '{config.name}': timm has {', '.join(list_optimizers()[:8])}, ..."
        )
    own = {"betas": tuple(config.betas)} if config.betas else {}
    try:
        optimizer: torch.optim.Optimizer = create_optimizer_v2(
            model, opt=config.name, lr=config.lr, weight_decay=config.weight_decay, **own
        )
    except (AssertionError, ImportError, IndexError, TypeError, ValueError) as error:
        raise ConfigError(
            f"optimizer '{config.name}' cannot be made with optim.lr = {config.lr}, optim.betas = "
            f"{config.betas}: {str(error) or type(error).__name__}"
        ) from error
    return optimizer


def make_schedule(optimizer: torch.optim.Optimizer, config: OptimConfig, steps: int) -> Scheduler:
    """A schedule to be called as `schedule.step_update(optimizer steps done)`.

    The learning rate rises linearly from a hundredth of its peak over the warm-up, then falls along
    a cosine to `min_lr` at the last step, or stays.
    """
    logging.getLogger(CosineLRScheduler.__module__).setLevel(logging.ERROR)  # one step is no news
    warmup = min(round(config.warmup * steps), steps - 1)
    floor = config.lr if config.schedule == "constant" else config.min_lr
    schedule = CosineLRScheduler(
        optimizer,
        t_initial=max(1, steps - warmup),
        lr_min=floor,
        warmup_t=warmup,
        warmup_lr_init=config.lr / 100,
        warmup_prefix=True,
        t_in_epochs=False,
    )
    schedule.step_update(0)
    return schedule
