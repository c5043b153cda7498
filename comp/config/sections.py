"""The sections of a configuration: small frozen records, one a subject.

Every field's description is one line for a person to read; `comp explain-config` prints it.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Schedule = Literal["constant", "cosine", "step", "one-cycle", "plateau"]
LossName = Literal["own", "bce", "ce", "focal", "mse", "mae", "huber", "charbonnier"]
Resize = Literal["squash", "letterbox", "crop", "partial"]
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def parse_duration(value: object) -> object:
    """Turn `90`, `90s`, `30m` or `1h30m` into seconds; leave anything else to the validator."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(r"(\d+(\.\d+)?\s*[dhms]\s*)+", text):
        raise ValueError("write a duration such as 90s, 30m or 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([dhms])", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def parse_every(value: str | None) -> tuple[int | None, float | None]:
    """Turn `100` into (100 steps, None) and `60s` into (None, 60 seconds)."""
    if value is None:
        return None, None
    if value.strip().isdigit():
        return int(value), None
    return None, float(str(parse_duration(value)))


def _every(value: object) -> object:
    text = str(value) if isinstance(value, int) else value
    if isinstance(text, str) and not any(parse_every(text)):
        raise ValueError("write a number of steps such as 100, or a duration such as 60s")
    return text


Every = Annotated[str, BeforeValidator(_every)]
Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]


class Section(BaseModel):
    """A part of the configuration: frozen, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class NoOptions(Section):
    """The options of a competition that has none of its own."""


class ImageConfig(Section):
    """How a photograph of any shape becomes the input of a classifier."""

    size: int | None = Field(
        None, ge=8, description="side of the square input in pixels; unset: the backbone's own"
    )
    resize: Resize = Field(
        "squash",
        description="squash to a square, letterbox (pad), crop the middle, or partial: random "
        "crops to train on, the middle to predict",
    )
    channels: Literal[1, 3] = Field(3, description="1 for grey input, 3 for colour")
    mean: list[float] | None = Field(
        None, description="mean of each channel in 0..1; unset: the backbone's own"
    )
    std: list[float] | None = Field(
        None, description="deviation of each channel in 0..1; unset: the backbone's own"
    )
    interpolation: Literal["nearest", "bilinear", "bicubic", "area", "lanczos"] | None = Field(
        None, description="how images are made smaller or larger; unset: the backbone's own"
    )
    crop_pct: float | None = Field(
        None,
        gt=0,
        le=1,
        description="share of the shorter side that crop and partial keep; unset: the backbone's",
    )
    cache: bool = Field(True, description="decode and resize each image once, and keep the result")


class AugmentConfig(Section):
    """Random changes of the training images of a classifier; 0 leaves one out."""

    flip: bool = Field(True, description="mirror left and right")
    vertical: bool = Field(False, description="mirror top and bottom")
    rotate: float = Field(10.0, ge=0, le=180, description="largest turn in degrees")
    shift: float = Field(0.05, ge=0, le=0.5, description="largest shift as a share of the side")
    scale: float = Field(0.1, ge=0, lt=1, description="largest change of size")
    area: float = Field(
        0.5, gt=0, le=1, description="smallest share of the area that a partial crop keeps"
    )
    brightness: float = Field(0.2, ge=0, le=1, description="largest change of brightness")
    contrast: float = Field(0.2, ge=0, le=1, description="largest change of contrast")
    gamma: float = Field(0.0, ge=0, lt=1, description="largest change of the gamma curve")
    color: float = Field(0.0, ge=0, le=1, description="largest change of saturation and hue")
    blur: float = Field(0.0, ge=0, le=1, description="share of images blurred or coarsened")
    noise: float = Field(0.0, ge=0, le=1, description="share of images with noise")
    erase: float = Field(0.0, ge=0, le=1, description="share of images with erased rectangles")


class ThawConfig(Section):
    """When frozen stages begin to train."""

    how: Literal["never", "staged", "at-once"] = Field(
        "never", description="never, staged (from the head down, one at a time), or at-once"
    )
    after: float = Field(1.0, ge=0, description="epochs before the first stage thaws")
    every: float = Field(1.0, gt=0, description="epochs from one stage to the next, if staged")


class LossConfig(Section):
    """What training makes small."""

    name: LossName = Field(
        "own",
        description="own (the competition's), bce, ce, focal; for images mse, mae, huber, "
        "charbonnier",
    )
    gamma: float = Field(2.0, ge=0, description="focal: how little easy samples count")
    delta: float = Field(
        0.1, gt=0, description="huber and charbonnier: errors below count squared, above linearly"
    )
    weights: Annotated[Literal["none", "balanced"], BeforeValidator(lambda v: v or "none")] = Field(
        "none", description="balanced: each class counts the same, whatever its size"
    )
    smoothing: float = Field(0.0, ge=0, lt=1, description="label smoothing")


class OptimConfig(Section):
    """How weights move."""

    name: str = Field(
        "adamw",
        description="optimizer, any name of timm's factory: sgd, momentum, adagrad, rmsprop, "
        "adam, adamw, muon and more",
    )
    lr: float = Field(1e-3, gt=0, description="peak learning rate")
    weight_decay: float = Field(
        0.01, ge=0, description="L2: weight decay (not on norms and biases)"
    )
    l1: float = Field(0.0, ge=0, description="L1: weight of the sum of the absolute weights")
    momentum: float = Field(
        0.9, ge=0, lt=1, description="momentum of sgd and rmsprop (name=sgd has it, 0 turns it off)"
    )
    betas: list[float] | None = Field(
        None, min_length=2, max_length=3, description="decays of the moments of Adam and its kin"
    )
    layer_decay: float | None = Field(
        None, gt=0, le=1, description="factor of the learning rate from each layer to the one below"
    )
    schedule: Schedule = Field("cosine", description="learning rate after the warm-up")
    warmup: float = Field(
        0.05, ge=0, lt=1, description="share of the steps in which the learning rate rises"
    )
    min_lr: float = Field(0.0, ge=0, description="learning rate at the end of cosine and plateau")
    decay: float = Field(
        0.1, gt=0, lt=1, description="step and plateau: factor of each fall of the learning rate"
    )
    every: float = Field(
        1 / 3, gt=0, le=1, description="step: share of the steps from one fall to the next"
    )
    wait: int = Field(
        1, ge=0, description="plateau: validations without a better score before a fall"
    )
    clip_norm: float | None = Field(None, gt=0, description="largest norm of the gradient")
    accumulate: int = Field(1, ge=1, description="batches that make one optimizer step")
    ema: float | None = Field(
        None, gt=0, lt=1, description="decay of the moving average of the weights"
    )


class LoaderConfig(Section):
    """How samples become batches."""

    batch_size: int = Field(32, ge=1, description="samples in a training batch")
    repeats: int = Field(1, ge=1, description="draws of each sample in one epoch")
    workers: int | None = Field(
        None,
        ge=0,
        description="processes that load and augment data; unset: none beside the CPU, up to 8 "
        "beside a GPU",
    )
    augment: bool = Field(True, description="random augmentation of training samples")
    sampler: Literal["shuffle", "balanced"] = Field(
        "shuffle", description="balanced: classes are drawn equally often"
    )
    mixup: float = Field(0.0, ge=0, description="mixup: alpha of the share of the second image")
    cutmix: float = Field(0.0, ge=0, description="cutmix: alpha of the area of the second image")


class PredictConfig(Section):
    """How predictions are made."""

    tta: Annotated[Literal["none", "hflip", "flips"], BeforeValidator(lambda v: v or "none")] = (
        Field("none", description="test-time augmentation: average over flipped copies")
    )
    batch_size: int = Field(32, ge=1, description="samples in a prediction batch")
    tile: int = Field(
        1024, ge=64, description="larger pages are predicted in tiles of this many pixels a side"
    )
    overlap: int = Field(64, ge=0, description="pixels that neighbouring tiles share")
