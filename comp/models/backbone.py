"""Which timm backbones there are, and what kind of image each of them takes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import timm
from timm.data import resolve_data_config
from timm.models import PretrainedCfg

from comp.config.schema import RunConfig
from comp.errors import ConfigError


@dataclass(frozen=True)
class InputSpec:
    """The image that a classifier takes.

    `size` is the side of the square in pixels, `channels` 1 or 3; `mean` and `std` hold one value a
    channel, of pixels in 0..1. `interpolation` and `crop_pct` (share of the shorter side that a
    crop keeps) say how a photograph becomes such an image.
    """

    size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    crop_pct: float


def check_backbone(name: str) -> None:
    """Make sure that timm has a backbone of this name, with or without a tag (`resnet18.a1_in1k`).

    Raises:
        ConfigError: when it has none, with the nearest names or tags.
    """
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "see timm.list_models()"
        raise ConfigError(f"unknown backbone '{name}': timm has no model of that name; {hint}")
    try:
        timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        architecture, known = name.partition(".")[0], ", ".join(tags_of(name)) or "none"
        raise ConfigError(
            f"unknown backbone '{name}': the weights of {architecture} are {known}"
        ) from error


def tags_of(name: str) -> list[str]:
    """The tags of the pretrained weights that timm knows of an architecture."""
    architecture = name.partition(".")[0]
    return [found.partition(".")[2] for found in timm.list_pretrained(f"{architecture}.*")]


def pretrained_cfg(name: str) -> PretrainedCfg:
    """What timm knows of a backbone's pretrained weights, or timm's defaults; builds no network.

    Raises:
        ConfigError: an unknown backbone.
    """
    check_backbone(name)
    return timm.get_pretrained_cfg(name) or PretrainedCfg()


def input_of(config: RunConfig, own: InputSpec | None = None) -> InputSpec:
    """The input of a run: from `config.image` where that says so, else the backbone's own.

    The backbone's own is what its pretrained weights were made with (timm's
    `resolve_data_config`). For grey input its mean and deviation are averaged over the channels.
    No network is built.

    Args:
        own: the input of a competition's own network, used where `config.backbone` is none of
            timm's.

    Raises:
        ConfigError: an unknown backbone, or means and deviations that do not fit the channels.
    """
    image, channels = config.image, config.image.channels
    base = own if own and not timm.is_model(config.backbone) else _own_input(config.backbone)
    return InputSpec(
        size=image.size or base.size,
        channels=channels,
        mean=_given("mean", image.mean, channels) or _spread(base.mean, channels),
        std=_given("std", image.std, channels) or _spread(base.std, channels),
        interpolation=image.interpolation or base.interpolation,
        crop_pct=image.crop_pct or base.crop_pct,
    )


def _own_input(name: str) -> InputSpec:
    facts = resolve_data_config(pretrained_cfg=pretrained_cfg(name).to_dict())
    channels, *sides = facts["input_size"]
    return InputSpec(
        size=min(sides),
        channels=channels,
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        interpolation=facts["interpolation"],
        crop_pct=facts["crop_pct"],
    )


def _given(key: str, values: Sequence[float] | None, channels: int) -> tuple[float, ...] | None:
    """The values that a user gave, one a channel; a single one counts for every channel."""
    if values is None:
        return None
    if len(values) not in (1, channels):
        raise ConfigError(
            f"image.{key} = {values}: {len(values)} values for image.channels = {channels}; "
            f"give {channels}, or 1 for all"
        )
    if not all(0 <= value <= 1 and (value > 0 or key == "mean") for value in values):
        zero = "from 0" if key == "mean" else "above 0"
        raise ConfigError(f"image.{key} = {values}: pixels are in 0..1, give values {zero} to 1")
    return tuple(values) if len(values) == channels else tuple(values) * channels


def _spread(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(values) == channels:
        return values
    return (sum(values) / len(values),) * channels
