"""The stages of a backbone, and the epoch at which each frozen stage thaws.

This module only says what is frozen when. `Classifier.freeze_below` freezes the stages, and
`comp.training.freezing` applies it during training, reports it and checks it.

A stage is one group of timm's coarse `group_matcher`: the stem, each stage of blocks, and last the
head with the classifier, which is never frozen. Freezing is more than `requires_grad_(False)`: a
BatchNorm in training mode updates its running statistics even if its weights require no gradients,
and dropout and stochastic depth stay active. So frozen modules are also in evaluation mode.
`timm.utils.freeze` is not used, because it replaces BatchNorm by modules of another class, which
changes the network during a run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from timm.models import group_parameters
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError

CLOSE = 1e-9
"""An epoch counts as reached if it is this close."""


@dataclass(frozen=True)
class Stage:
    """One part of a backbone.

    `parameters` are the names of its parameters, including those outside of layers (the class token
    and position embedding of a ViT). `modules` are the names of its modules, layers and containers,
    that have no parameter of a later stage; all of them go into evaluation mode when it is frozen.
    """

    name: str
    parameters: tuple[str, ...]
    modules: tuple[str, ...]


def stages_of(backbone: nn.Module) -> tuple[Stage, ...]:
    """The stages of a timm backbone, from the input to the head.

    Raises:
        ConfigError: timm does not define stages for this architecture.
    """
    try:
        groups = group_parameters(backbone, backbone.group_matcher(coarse=True))  # type: ignore[operator]
    except (AttributeError, AssertionError) as error:
        raise ConfigError(
            f"timm defines no stages for {type(backbone).__name__}, so it cannot be frozen: "
            "set freeze=none or use another backbone"
        ) from error
    head = len(groups) - 1
    stage_of_module = _module_stages(
        backbone, {name: i for i, group in groups.items() for name in group}
    )
    names = [_stage_name(group[0]) for _, group in sorted(groups.items())]
    names[0], names[head] = "stem" if head else "head", "head"
    if len(set(names)) < len(names):
        names = ["stem", *(f"stage {i}" for i in range(1, head)), "head"]
    return tuple(
        Stage(
            name=names[i],
            parameters=tuple(groups[i]),
            modules=tuple(name for name, stage in stage_of_module.items() if stage == i),
        )
        for i in range(len(groups))
    )


def _stage_name(parameter: str) -> str:
    """A parameter's name up to the first part with a number, such as `blocks.3`."""
    parts = parameter.split(".")[:-1] or [parameter]
    numbered = (i for i, part in enumerate(parts) if any(c.isdigit() for c in part))
    return ".".join(parts[: next(numbered, 0) + 1])


def _module_stages(backbone: nn.Module, stage_of: dict[str, int]) -> dict[str, int]:
    """The stage of each module: the last stage of its parameters.

    A module without parameters (activation, dropout, stochastic depth) belongs to the stage of its
    parent module. If the parent has several stages, it belongs to the stage before it, or to the
    head if only the head follows.
    """
    head = max(stage_of.values())
    by_id = {id(p): stage_of[name] for name, p in backbone.named_parameters()}
    modules = list(backbone.named_modules())
    stages_of_modules = [{by_id[id(p)] for p in module.parameters()} for _, module in modules]
    last = max(
        (
            i
            for i, stages in enumerate(stages_of_modules)
            if len(stages) == 1 and head not in stages
        ),
        default=0,
    )
    result: dict[str, int] = {}
    whole: dict[str, bool] = {}
    before = 0
    for i, ((name, _), stages) in enumerate(zip(modules, stages_of_modules, strict=True)):
        parent = name.rpartition(".")[0]
        if stages:
            result[name], whole[name] = max(stages), len(stages) == 1
            before = max(stages) if whole[name] else before
        elif whole.get(parent):
            result[name], whole[name] = result[parent], True
        else:
            result[name], whole[name] = (before if i < last else head), True
    return result


def thaw_epochs(config: RunConfig, stages: int) -> tuple[float, ...]:
    """The epoch at which each stage starts to train, in passes over the training samples.

    0 means from the start, infinity means never. A staged thaw goes from the head to the input: the
    frozen stage next to the head thaws at `thaw.after`, each further one `thaw.every` later.

    Args:
        stages: number of stages, including the head; 0 for a network without stages.

    Raises:
        ConfigError: there are too few stages below the head for `freeze`.
    """
    frozen = _count_frozen(config, stages)
    thaw = config.thaw
    thaw_epoch = {
        "never": lambda _rank: math.inf,
        "at-once": lambda _rank: thaw.after,
        "staged": lambda rank: thaw.after + rank * thaw.every,
    }[thaw.how]
    return tuple(thaw_epoch(frozen - 1 - i) if i < frozen else 0.0 for i in range(stages))


def _count_frozen(config: RunConfig, stages: int) -> int:
    below = max(0, stages - 1)
    freeze = below if config.freeze == "all" else 0 if config.freeze == "none" else config.freeze
    assert isinstance(freeze, int)
    frozen = freeze if freeze >= 0 else below + freeze
    if frozen > below or (freeze < 0 and frozen < 1) or (config.freeze == "all" and stages == 0):
        use = f"at most {below}" if freeze >= 0 else f"{1 - below} or more"
        raise ConfigError(
            f"freeze = {config.freeze}: {config.backbone or 'this network'} has {below} stages "
            f"below its head; use {use}, or all"
        )
    return frozen


def frozen_at(config: RunConfig, stages: int, epoch: float) -> int:
    """The number of frozen stages, from the input, after `epoch` passes over the training samples.

    It depends only on the configuration and the epoch, so a resumed run freezes the same stages.

    Args:
        stages: number of stages, including the head; 0 for a network without stages.
        epoch: passes done so far, with a fraction.

    Raises:
        ConfigError: there are too few stages below the head for `freeze`.
    """
    return sum(thaws > epoch + CLOSE for thaws in thaw_epochs(config, stages))
