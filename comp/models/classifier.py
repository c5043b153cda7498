"""A classifier of images: a timm backbone with a head, that takes pixels in 0..1."""

from __future__ import annotations

from typing import Any, Self

import timm
import torch
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.backbone import InputSpec, input_of, pretrained_cfg
from comp.models.freezing import Stage, frozen_at, stages_of
from comp.models.hub import first_line
from comp.models.weights import REFUSALS, Origin, create

KEYS = {
    "num_classes": "the classes of the competition",
    "in_chans": "image.channels",
    "img_size": "image.size",
    "drop_rate": "dropout",
    "drop_path_rate": "drop_path",
    "pretrained": "pretrained",
    "pretrained_cfg": "backbone",
    "pretrained_cfg_overlay": "weights",
    "checkpoint_path": "weights",
    "features_only": "backbone",
}
"""What timm.create_model calls what the configuration says already."""


class Classifier(nn.Module):
    """A timm backbone on pixels in 0..1, whose lower stages can be frozen.

    Input float (N, channels, size, size) in 0..1, from which the mean is subtracted and which is
    divided by the deviation here; output float (N, outputs), raw. `spec` is the input, `origin`
    says where the weights came from, and `stages` are the parts of the backbone from the input to
    the head, none where timm names none.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self, backbone: nn.Module, spec: InputSpec, origin: Origin, stages: tuple[Stage, ...]
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.spec, self.origin, self.stages = spec, origin, stages
        self.frozen = 0
        """How many stages from the input are frozen."""
        self._fixed = {n for n, p in backbone.named_parameters() if not p.requires_grad}
        shape = (1, spec.channels, 1, 1)
        self.register_buffer("mean", torch.tensor(spec.mean).view(shape), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(shape), persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.backbone((image - self.mean) / self.std)
        return out

    def freeze_below(self, count: int) -> None:
        """Freeze the first `count` stages from the input and thaw all others; 0 thaws all.

        Frozen weights require no gradients, and hold none; frozen modules stand in evaluation mode
        (BatchNorm statistics, dropout, stochastic depth), after `train()` too.

        Raises:
            ValueError: when `count` is negative or would freeze the head.
        """
        if not 0 <= count <= max(0, len(self.stages) - 1):
            raise ValueError(f"cannot freeze {count} of {len(self.stages)} stages")
        for index, stage in enumerate(self.stages):
            for name in set(stage.parameters) - self._fixed:
                parameter = self.backbone.get_parameter(name).requires_grad_(index >= count)
                if index < count:
                    parameter.grad = None
        self.frozen = count
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set the mode as `nn.Module.train` does; what is frozen stays in evaluation mode."""
        super().train(mode)
        for stage in self.stages[: self.frozen]:
            for name in stage.modules:
                self.backbone.get_submodule(name).training = False
        return self


def build_classifier(config: RunConfig, outputs: int) -> Classifier:
    """Build a `Classifier` of `outputs` raw numbers on `config.backbone`, nothing of it frozen.

    Raises:
        ConfigError: an unknown backbone, or one that does not take what the configuration asks of
            it (size, channels, dropout, stochastic depth, arguments, stages to freeze).
        WeightsError: pretrained weights that can be neither fetched nor read, or do not fit.
    """
    if not config.backbone:
        raise ConfigError(
            "backbone is not set: name a timm backbone, such as --set backbone=resnet34"
        )
    spec = input_of(config)
    arguments = _arguments(config, outputs, spec)
    try:
        backbone, origin = create(config, **arguments)
    except REFUSALS as error:
        raise _explain(config, arguments, error) from error
    model = Classifier(backbone, spec, origin, _stages(backbone, config))
    _check_size(model, config, outputs)
    return model


def _arguments(config: RunConfig, outputs: int, spec: InputSpec) -> dict[str, Any]:
    """The arguments of timm.create_model, besides name and weights."""
    taken = sorted(set(config.backbone_args) & set(KEYS))
    if taken:
        raise ConfigError(f"backbone_args.{taken[0]} is not for you to set: see {KEYS[taken[0]]}")
    known = pretrained_cfg(config.backbone)
    arguments: dict[str, Any] = {"num_classes": outputs, "in_chans": spec.channels}
    if known.fixed_input_size and tuple(known.input_size[1:]) != (spec.size, spec.size):
        arguments["img_size"] = spec.size
    if config.dropout:
        arguments["drop_rate"] = config.dropout
    if config.drop_path:
        arguments["drop_path_rate"] = config.drop_path
    return arguments | config.backbone_args


def _explain(config: RunConfig, arguments: dict[str, Any], error: Exception) -> ConfigError:
    """Say which key of the configuration the architecture refuses."""
    name, reason = config.backbone, first_line(error)
    named = [key for key in arguments if f"'{key}'" in reason]
    if named and named[0] in config.backbone_args:
        return ConfigError(
            f"backbone_args.{named[0]} = {arguments[named[0]]!r}: {name} refuses it ({reason})"
        )
    if named:
        return ConfigError(
            f"{KEYS[named[0]]} = {arguments[named[0]]}: {name} has no such setting; leave it out "
            "or take another backbone"
        )
    given = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return ConfigError(f"timm cannot build {name} with {given}: {reason}")


def _stages(backbone: nn.Module, config: RunConfig) -> tuple[Stage, ...]:
    """The stages, if there are enough of them for what is to be frozen."""
    try:
        stages = stages_of(backbone)
    except ConfigError:
        if config.freeze not in ("none", 0):
            raise
        return ()
    frozen_at(config, len(stages), 0.0)
    return stages


def _check_size(model: Classifier, config: RunConfig, outputs: int) -> None:
    """Make sure that an image of the input's size goes through."""
    size = model.spec.size
    blank = torch.zeros(1, model.spec.channels, size, size)
    try:
        with torch.no_grad():
            out = model.eval()(blank)
    except REFUSALS as error:
        own = timm.get_pretrained_cfg(config.backbone)
        side = f"; its own image.size is {own.input_size[-1]}" if own else ""
        raise ConfigError(
            f"image.size = {size}: {config.backbone} does not take images of {size} x {size} "
            f"pixels ({first_line(error)}){side}"
        ) from error
    if not isinstance(out, torch.Tensor) or out.shape != (1, outputs):
        raise ConfigError(
            f"{config.backbone} is no classifier: it gives something else than {outputs} numbers "
            "an image; take another backbone"
        )
    model.train()
