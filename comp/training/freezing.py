"""Freezing in the training loop: apply it, report it, and check it after the first step.

`comp.models.freezing` defines the stages of a backbone and the epoch at which each of them thaws.

A network that can be frozen has the attributes `backbone`, `stages` (from the input to the head),
`frozen` (the number of frozen stages) and `freeze_below(count)`, like
`comp.models.classifier.Classifier`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from comp.config.schema import RunConfig
from comp.errors import ConfigError, RunError
from comp.models.freezing import frozen_at, thaw_epochs
from comp.runs.progress import StageReport

if TYPE_CHECKING:
    from comp.models.freezing import Stage


def apply_freezing(model: nn.Module, config: RunConfig, epoch: float) -> bool:
    """Freeze the stages that are frozen after `epoch` passes over the training samples, and thaw
    the others; returns whether this changed a stage.

    Raises:
        ConfigError: the network has no stages, or fewer than the configuration freezes.
    """
    if config.freeze in ("none", 0):
        return False
    network: Any = model
    if not hasattr(network, "stages"):
        raise ConfigError(
            f"freeze = {config.freeze}: {type(model).__name__} is not a timm backbone with a "
            "head, so it has no stages to freeze: set freeze=none"
        )
    count = frozen_at(config, len(network.stages), epoch)
    if count == network.frozen:
        return False
    network.freeze_below(count)
    return True


def freezing_report(
    model: nn.Module, optimizer: torch.optim.Optimizer, config: RunConfig
) -> list[StageReport]:
    """How each stage trains, from the input to the head; empty for a network without stages."""
    network: Any = model
    if not hasattr(network, "stages"):
        return []
    groups = {parameter: group for group in optimizer.param_groups for parameter in group["params"]}
    epochs = thaw_epochs(config, len(network.stages))
    return [
        _stage_report(network, index, epochs[index], groups) for index in range(len(network.stages))
    ]


def _stage_report(network: Any, index: int, thaws: float, groups: dict[Any, Any]) -> StageReport:
    stage: Stage = network.stages[index]
    parameters = [network.backbone.get_parameter(name) for name in stage.parameters]
    stage_groups = [groups[parameter] for parameter in parameters if parameter in groups]
    norms = [m for m in map(network.backbone.get_submodule, stage.modules) if _is_norm(m)]
    return StageReport(
        name=stage.name,
        parameters=sum(parameter.numel() for parameter in parameters),
        frozen=index < network.frozen,
        thaws=thaws if math.isfinite(thaws) else None,
        batch_norm=("train" if norms[0].training else "eval") if norms else "",
        lr=max((peak_lr(group) for group in stage_groups), default=0.0),
        weight_decay=max((float(group["weight_decay"]) for group in stage_groups), default=0.0),
    )


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, _BatchNorm)


def peak_lr(group: dict[str, Any]) -> float:
    """The highest learning rate of a parameter group in its schedule."""
    return float(group.get("initial_lr", group["lr"])) * float(group.get("lr_scale", 1.0))


ZERO_HEAD_STEPS = 3
"""Steps after which every stage below a head that starts at zero must have changed."""


class FirstStepCheck:
    """Checks that the first optimizer step changes the stages that train, and no frozen stage.

    A head whose weights are all 0 lets no gradient pass, so the first step changes only the head;
    some architectures start like this. The stages below it then have until the third step.
    """

    def __init__(self, model: nn.Module) -> None:
        network: Any = model
        self._stages: Sequence[Stage] = getattr(network, "stages", ())
        self._before = _copy(network.backbone) if self._stages else {}
        self._steps_left = ZERO_HEAD_STEPS if self._has_zero_head() else 1

    def check(self, model: nn.Module) -> None:
        """Compare the weights with those before the first step, after each of the first steps.

        Raises:
            RunError: naming a frozen stage that changed, or one that trains and did not change.
        """
        network: Any = model
        self._steps_left -= 1
        head, unchanged = len(self._stages) - 1, False
        for index, stage in enumerate(self._stages):
            frozen = index < network.frozen
            changed = self._changed(stage, network.backbone.state_dict(), buffers=frozen)
            if frozen and changed:
                raise RunError(
                    f"stage '{stage.name}' is frozen, but the first step changed {changed[0]}: "
                    "this network cannot be frozen, set freeze=none"
                )
            if not frozen and not changed:
                if index == head or self._steps_left <= 0:
                    raise RunError(
                        f"stage '{stage.name}' trains, but the first step changed nothing in it: "
                        "raise optim.lr, or freeze it"
                    )
                unchanged = True
        if not unchanged:
            self._stages, self._before = (), {}

    def _has_zero_head(self) -> bool:
        """Whether a matrix of the head, the last stage, has only zeros."""
        names = self._stages[-1].parameters if self._stages else ()
        weights = [self._before[name] for name in names]
        return any(weight.ndim > 1 and not weight.any() for weight in weights)

    def _changed(self, stage: Stage, after: dict[str, torch.Tensor], buffers: bool) -> list[str]:
        names = [
            name
            for name in self._before
            if name in stage.parameters or (buffers and name.rpartition(".")[0] in stage.modules)
        ]
        return [name for name in names if not torch.equal(self._before[name], after[name])]


def _copy(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
