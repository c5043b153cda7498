"""An image classifier: a timm backbone with a head, for pixels in 0..1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import timm
import torch
from torch import nn

from comp.config.image_size import height_and_width, setting_text, size_text
from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.models.backbone import InputSpec, pretrained_cfg, resolve_input
from comp.models.float32_head import use_float32_head
from comp.models.freezing import Stage, frozen_at, stages_of
from comp.models.head import check_head_is_used, configure_head
from comp.models.head_init import start_small
from comp.models.hub import first_line
from comp.models.input_shape import check_grid
from comp.models.weights import TIMM_ERRORS, WeightsOrigin, create_backbone

if TYPE_CHECKING:
    from comp.config.head import HeadConfig
    from comp.models.cut import Cut

CONFIG_KEYS = {
    "num_classes": "the number of classes",
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
"""The argument of timm.create_model -> the configuration key that sets it."""


class Classifier(nn.Module):
    """A timm backbone for pixels in 0..1; its lower stages can be frozen.

    Input float (N, channels, H, W) in 0..1, normalized here with the mean and the standard
    deviation of `input_spec`; output float32 (N, outputs), raw: the head computes in float32, also
    under autocast. `origin` says where the weights came from. `stages` are the parts of the
    backbone from the input to the head; empty if timm does not define them. `head_config` is the
    section `head` that the backbone has, None for a network without such a head.

    With `scaled` outputs, the backbone's are multiplied by `target_std` and increased by
    `target_mean`, so that they have the unit of the targets. Both are (outputs,) and in the
    checkpoint; before `Task.prepare` sets them they are 1 and 0.
    """

    mean: torch.Tensor
    std: torch.Tensor
    target_mean: torch.Tensor
    target_std: torch.Tensor

    def __init__(
        self,
        backbone: nn.Module,
        input_spec: InputSpec,
        origin: WeightsOrigin,
        stages: tuple[Stage, ...],
        scaled: int = 0,
    ) -> None:
        """Args: `scaled` is the number of scaled outputs, 0 if they are not scaled."""
        super().__init__()
        self.backbone = use_float32_head(backbone)
        self.input_spec, self.origin, self.stages = input_spec, origin, stages
        self.head_config: HeadConfig | None = None
        self.frozen = 0
        """Number of frozen stages, counted from the input."""
        self.cut: Cut | None = None
        """If set, the input is features (N, ...) of this cut instead of images."""
        self._never_trained = {n for n, p in backbone.named_parameters() if not p.requires_grad}
        shape = (1, input_spec.channels, 1, 1)
        self.register_buffer("mean", torch.tensor(input_spec.mean).view(shape), persistent=False)
        self.register_buffer("std", torch.tensor(input_spec.std).view(shape), persistent=False)
        self.scaled = bool(scaled)
        if scaled:
            self.register_buffer("target_mean", torch.zeros(scaled))
            self.register_buffer("target_std", torch.ones(scaled))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if self.cut:
            out: torch.Tensor = self.cut.upper(self.backbone, image)
        else:
            out = self.backbone((image - self.mean) / self.std)
        return out.float() * self.target_std + self.target_mean if self.scaled else out

    def freeze_below(self, count: int) -> None:
        """Freeze the first `count` stages from the input and thaw all others; 0 thaws all.

        Frozen weights require no gradients and have none. Frozen modules stay in evaluation mode
        (BatchNorm statistics, dropout, stochastic depth), also after `train()`.

        Raises:
            ValueError: `count` is negative, or would freeze the head.
        """
        if not 0 <= count <= max(0, len(self.stages) - 1):
            raise ValueError(f"cannot freeze {count} of {len(self.stages)} stages")
        for index, stage in enumerate(self.stages):
            for name in set(stage.parameters) - self._never_trained:
                parameter = self.backbone.get_parameter(name).requires_grad_(index >= count)
                if index < count:
                    parameter.grad = None
        self.frozen = count
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set the mode like `nn.Module.train`; frozen modules stay in evaluation mode."""
        super().train(mode)
        for stage in self.stages[: self.frozen]:
            for name in stage.modules:
                self.backbone.get_submodule(name).training = False
        return self


def build_classifier(config: RunConfig, outputs: int, scaled: bool = False) -> Classifier:
    """Build a `Classifier` with `outputs` raw outputs on `config.backbone`, without frozen stages.

    Args:
        scaled: whether the outputs get the mean and the standard deviation of the targets.

    Raises:
        ConfigError: the backbone is unknown, or does not support the configured size, channels,
            dropout, stochastic depth, arguments or frozen stages.
        WeightsError: the pretrained weights cannot be fetched or read, or do not fit.
    """
    if not config.backbone:
        raise ConfigError(
            "backbone is not set: choose a timm backbone, for example --set backbone=resnet34"
        )
    input_spec = resolve_input(config)
    arguments = _arguments(config, outputs, input_spec)
    try:
        backbone, origin = create_backbone(config, **arguments)
    except TIMM_ERRORS as error:
        raise _refused(config, arguments, error) from error
    if origin.kind == "none" or outputs != pretrained_cfg(config.backbone).num_classes:
        start_small(backbone)
    configure_head(backbone, config, scaled)
    stages = _stages(backbone, config)
    model = Classifier(backbone, input_spec, origin, stages, outputs if scaled else 0)
    model.head_config = config.head
    _check_forward(model, config, outputs)
    check_grid(config, arguments)
    check_head_is_used(model, config)
    return model


def _arguments(config: RunConfig, outputs: int, input_spec: InputSpec) -> dict[str, Any]:
    """The arguments of timm.create_model, without name and weights."""
    reserved = sorted(set(config.backbone_args) & set(CONFIG_KEYS))
    if reserved:
        key = reserved[0]
        raise ConfigError(f"backbone_args.{key} cannot be set: it follows from {CONFIG_KEYS[key]}")
    pretrained, size = pretrained_cfg(config.backbone), input_spec.size
    arguments: dict[str, Any] = {"num_classes": outputs, "in_chans": input_spec.channels}
    if pretrained.fixed_input_size and tuple(pretrained.input_size[1:]) != height_and_width(size):
        arguments["img_size"] = size
    if config.dropout:
        arguments["drop_rate"] = config.dropout
    if config.drop_path:
        arguments["drop_path_rate"] = config.drop_path
    return arguments | config.backbone_args


def _refused(config: RunConfig, arguments: dict[str, Any], error: Exception) -> ConfigError:
    """An error that names the configuration key that the architecture refuses."""
    name, reason = config.backbone, first_line(error)
    key = next((key for key in arguments if f"'{key}'" in reason), None)
    if key is None:
        listed = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        return ConfigError(
            f"timm cannot build {name} with {listed} ({reason}): change these settings or "
            "use another backbone"
        )
    if key in config.backbone_args:
        return ConfigError(
            f"backbone_args.{key} = {arguments[key]!r}: {name} refuses it ({reason}); change it or "
            "leave it out"
        )
    value = setting_text(arguments[key]) if key == "img_size" else arguments[key]
    return ConfigError(
        f"{CONFIG_KEYS[key]} = {value}: {name} does not support it; leave it out or use "
        "another backbone"
    )


def _stages(backbone: nn.Module, config: RunConfig) -> tuple[Stage, ...]:
    """The stages of the backbone, checked against `freeze`."""
    try:
        stages = stages_of(backbone)
    except ConfigError:
        if config.freeze not in ("none", 0):
            raise
        return ()
    frozen_at(config, len(stages), 0.0)
    return stages


def _check_forward(model: Classifier, config: RunConfig, outputs: int) -> None:
    """Check that the network accepts an image of the input size and returns `outputs` numbers."""
    size = model.input_spec.size
    blank = torch.zeros(1, model.input_spec.channels, *height_and_width(size))
    try:
        with torch.no_grad():
            out = model.eval()(blank)
    except TIMM_ERRORS as error:
        pretrained = timm.get_pretrained_cfg(config.backbone)
        advice = f"; its default image.size is {pretrained.input_size[-1]}" if pretrained else ""
        raise ConfigError(
            f"image.size = {setting_text(size)}: {config.backbone} does not accept images of "
            f"{size_text(size)} pixels ({first_line(error)}){advice}"
        ) from error
    if not isinstance(out, torch.Tensor) or out.shape != (1, outputs):
        raise ConfigError(
            f"{config.backbone} is not a classifier: it does not return {outputs} numbers for each "
            "image; use another backbone"
        )
    model.train()
