"""timm backbones by name, and the input image of each."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import timm
from timm.data import resolve_data_config
from timm.models import PretrainedCfg

from comp.config.image_size import ImageSize, spec_size
from comp.config.schema import RunConfig
from comp.errors import ConfigError


@dataclass(frozen=True)
class InputSpec:
    """The input image of a classifier.

    `size` is the side of a square, or (height, width), in pixels. `mean` and `std` contain one
    value per channel, for pixels in 0..1. `interpolation` and `crop_pct` (share of the shorter side
    that a crop keeps) say how to resize a photograph to it.
    """

    size: ImageSize
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    crop_pct: float

    def __post_init__(self) -> None:
        """Raises CompetitionError: the size is neither one number nor two."""
        object.__setattr__(self, "size", spec_size(self.size))


def check_backbone(name: str) -> None:
    """Check that timm has a backbone with this name; a tag is optional (`resnet18.a1_in1k`).

    Raises:
        ConfigError: timm does not have it; the message suggests names or tags.
    """
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "see timm.list_models()"
        raise ConfigError(f"unknown backbone '{name}': timm has no model with this name; {hint}")
    try:
        timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        architecture, tags = name.partition(".")[0], ", ".join(list_tags(name)) or "none"
        raise ConfigError(
            f"unknown backbone '{name}': timm has no such weights of {architecture}; use one of "
            f"its tags: {tags}"
        ) from error


def list_tags(name: str) -> list[str]:
    """The tags of timm's pretrained weights of an architecture."""
    architecture = name.partition(".")[0]
    return [weights.partition(".")[2] for weights in timm.list_pretrained(f"{architecture}.*")]


def pretrained_cfg(name: str) -> PretrainedCfg:
    """timm's description of a backbone's pretrained weights, or timm's defaults; builds no network.

    Raises:
        ConfigError: the backbone is unknown.
    """
    check_backbone(name)
    return timm.get_pretrained_cfg(name) or PretrainedCfg()


def resolve_input(config: RunConfig, default: InputSpec | None = None) -> InputSpec:
    """The input of a run: the values set in `config.image`, else those of the backbone.

    The values of the backbone are those of its pretrained weights (timm's `resolve_data_config`).
    If the input does not have the backbone's channels, each channel has the average of its means
    and of its standard deviations. No network is built.

    Args:
        default: the input of a competition's own network, used if `config.backbone` is not a timm
            backbone.

    Raises:
        ConfigError: the backbone is unknown, or means and deviations do not fit the channels.
    """
    image, channels = config.image, config.image.channels
    custom = default if default and not timm.is_model(config.backbone) else None
    base = custom or _backbone_input(config.backbone)
    return InputSpec(
        size=image.size or base.size,
        channels=channels,
        mean=_checked("mean", image.mean, channels) or _averaged(base.mean, channels),
        std=_checked("std", image.std, channels) or _averaged(base.std, channels),
        interpolation=image.interpolation or base.interpolation,
        crop_pct=image.crop_pct or base.crop_pct,
    )


def _backbone_input(name: str) -> InputSpec:
    data = resolve_data_config(pretrained_cfg=pretrained_cfg(name).to_dict())
    channels, *sides = data["input_size"]
    return InputSpec(
        size=min(sides),
        channels=channels,
        mean=tuple(data["mean"]),
        std=tuple(data["std"]),
        interpolation=data["interpolation"],
        crop_pct=data["crop_pct"],
    )


def _checked(key: str, values: Sequence[float] | None, channels: int) -> tuple[float, ...] | None:
    """The configured values, one per channel; a single value counts for every channel."""
    if values is None:
        return None
    if len(values) not in (1, channels):
        raise ConfigError(
            f"image.{key} = {values}: {len(values)} values for image.channels = {channels}; "
            f"use {channels}, or 1 for all channels"
        )
    if not all(0 <= value <= 1 and (value > 0 or key == "mean") for value in values):
        low = "from 0" if key == "mean" else "above 0"
        raise ConfigError(f"image.{key} = {values}: pixels are in 0..1, use values {low} to 1")
    return tuple(values) if len(values) == channels else tuple(values) * channels


def _averaged(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(values) == channels:
        return values
    return (sum(values) / len(values),) * channels
