"""Which parts of a backbone keep their weights, and when they begin to train.

A stage is one group of timm's coarse `group_matcher`: the stem, each stage of blocks, and last the
head with the classifier, which never freezes. Freezing is more than `requires_grad_(False)`: a
BatchNorm in training mode goes on averaging its running statistics whether or not its weights
require gradients, and dropout and stochastic depth go on drawing. So frozen modules stand in
evaluation mode as well. `timm.utils.freeze` is of no use here: it puts modules of another class in
the place of BatchNorm, which changes the network in the middle of a run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from timm.models import group_parameters
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError

CLOSE = 1e-9
"""Epochs count as reached when they are this near."""


@dataclass(frozen=True)
class Stage:
    """One part of a backbone, from the input to the head.

    `parameters` names its parameters, those that stand in no layer too (a ViT's class token and
    position embedding). `modules` names the modules that hold no parameter of a later stage, layers
    and containers alike, so that the whole stage can be put into evaluation mode.
    """

    name: str
    parameters: tuple[str, ...]
    modules: tuple[str, ...]


def stages_of(backbone: nn.Module) -> tuple[Stage, ...]:
    """The stages of a timm backbone from the input to the head, which is the last.

    Raises:
        ConfigError: when timm does not say what the stages of this architecture are.
    """
    try:
        groups = group_parameters(backbone, backbone.group_matcher(coarse=True))  # type: ignore[operator]
    except (AttributeError, AssertionError) as error:
        raise ConfigError(
            f"timm names no stages of {type(backbone).__name__}, so it cannot be frozen: "
            "set freeze=none or take another backbone"
        ) from error
    head = len(groups) - 1
    places = _module_stages(backbone, {name: i for i, group in groups.items() for name in group})
    names = [_name(group[0]) for _, group in sorted(groups.items())]
    names[0], names[head] = "stem" if head else "head", "head"
    if len(set(names)) < len(names):
        names = ["stem", *(f"stage {i}" for i in range(1, head)), "head"]
    return tuple(
        Stage(
            name=names[i],
            parameters=tuple(groups[i]),
            modules=tuple(name for name, place in places.items() if place == i),
        )
        for i in range(len(groups))
    )


def _name(parameter: str) -> str:
    """The start of a parameter's name down to the first part with a number: `blocks.3`."""
    parts = parameter.split(".")[:-1] or [parameter]
    numbered = (i for i, part in enumerate(parts) if any(c.isdigit() for c in part))
    return ".".join(parts[: next(numbered, 0) + 1])


def _module_stages(backbone: nn.Module, stage_of: dict[str, int]) -> dict[str, int]:
    """The stage of each module: the last of those that its parameters belong to.

    A module without parameters (activation, dropout, stochastic depth) goes with the module that
    holds it. Where that holds several stages it goes with the one before it, or with the head if
    only the head comes after it.
    """
    head = max(stage_of.values())
    by_id = {id(p): stage_of[name] for name, p in backbone.named_parameters()}
    modules = list(backbone.named_modules())
    held = [{by_id[id(p)] for p in module.parameters()} for _, module in modules]
    last = max(
        (i for i, stages in enumerate(held) if len(stages) == 1 and head not in stages), default=0
    )
    result: dict[str, int] = {}
    whole: dict[str, bool] = {}
    before = 0
    for i, ((name, _), stages) in enumerate(zip(modules, held, strict=True)):
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
    """When each of so many stages begins to train, in passes over the training samples.

    0 is from the start, infinity never. A staged thaw goes from the head down: the frozen stage
    nearest to the head thaws at `thaw.after`, each further one `thaw.every` later.

    Args:
        stages: how many stages there are, the head included; 0 where a network has none.

    Raises:
        ConfigError: when `freeze` names more stages than there are below the head.
    """
    below = max(0, stages - 1)
    frozen = below if config.freeze == "all" else 0 if config.freeze == "none" else config.freeze
    assert isinstance(frozen, int)
    if frozen > below or (config.freeze == "all" and stages == 0):
        raise ConfigError(
            f"freeze = {config.freeze}: {config.backbone or 'this network'} has {below} stages "
            f"below its head; give at most {below}, or all"
        )
    thaw = config.thaw
    when = {
        "never": lambda _rank: math.inf,
        "at-once": lambda _rank: thaw.after,
        "staged": lambda rank: thaw.after + rank * thaw.every,
    }[thaw.how]
    return tuple(when(frozen - 1 - i) if i < frozen else 0.0 for i in range(stages))


def frozen_at(config: RunConfig, stages: int, epoch: float) -> int:
    """How many stages from the input are frozen after `epoch` passes over the training samples.

    A function of the configuration and of time alone, so that a resumed run freezes what the run
    that was stopped had frozen.

    Args:
        stages: how many stages there are, the head included; 0 where a network has none.
        epoch: passes done so far, with a fraction.

    Raises:
        ConfigError: when `freeze` names more stages than there are below the head.
    """
    return sum(when > epoch + CLOSE for when in thaw_epochs(config, stages))
