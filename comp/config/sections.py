"""The sections of a configuration: one small frozen model per subject.

The description of every field is one line; `comp explain-config` prints it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from comp.config.auto import DEFAULT_RATE, DEFAULT_SIZE, BatchSize, Rate
from comp.config.durations import parse_duration, parse_every
from comp.config.image_size import ImageSize, parse_image_size
from comp.config.nearest import true_false_or
from comp.config.section import Section

Schedule = Literal["constant", "cosine", "step", "one-cycle", "plateau"]
LossName = Literal[
    "own",
    "bce",
    "ce",
    "focal",
    "arcface",
    "asymmetric",
    "corn",
    "cumulative",
    "dice",
    "bce_dice",
    "ce_dice",
    "lovasz",
    "bce_lovasz",
    "tversky",
    "mse",
    "mae",
    "huber",
    "smooth_l1",
    "charbonnier",
]
Resize = Literal["squash", "letterbox", "crop", "partial"]


def _every(value: object) -> object:
    text = str(value) if isinstance(value, int) else value
    if isinstance(text, str) and not any(parse_every(text)):
        raise ValueError("write a number of steps such as 100, or a duration such as 60s")
    return text


def _value_range(value: object) -> object:
    if value is None or value == "auto":
        return "auto"
    numbers = isinstance(value, list) and all(type(number) in (int, float) for number in value)
    if not isinstance(value, list) or not numbers or len(value) != 2 or not value[0] < value[1]:
        raise ValueError("write auto, or [low, high] with low below high, such as [0, 4095]")
    return value


def _gigabytes(value: object) -> object:
    if value is None or value == "auto":
        return "auto"
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError("write auto, or a number of GB such as 50")
    return float(value)


def _image_size(value: object) -> object:
    return None if value is None else parse_image_size(value, least=8)


Every = Annotated[str, BeforeValidator(_every)]
Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]


class ImageConfig(Section):
    """How an image of any shape becomes the input of a classifier."""

    size: Annotated[ImageSize | None, BeforeValidator(_image_size)] = Field(
        None,
        description="input in pixels, the side of a square or [height, width]; unset: the "
        "backbone's",
    )
    resize: Resize = Field(
        "squash",
        description="squash (aspect ratio is lost), letterbox (pad), crop the centre, or partial: "
        "random crops in training, the centre in prediction",
    )
    channels: int = Field(
        3,
        ge=1,
        le=64,
        description="input channels: 1 for grey, 3 for colour, else those of the files",
    )
    range: Annotated[Literal["auto"] | list[float], BeforeValidator(_value_range)] = Field(
        "auto",
        description="values [low, high] of 16-bit, integer and float images that become 0..255; "
        "auto: found in the data",
    )
    mean: list[float] | None = Field(
        None, description="mean of each channel in 0..1; unset: the backbone's"
    )
    std: list[float] | None = Field(
        None, description="standard deviation of each channel in 0..1; unset: the backbone's"
    )
    interpolation: Literal["nearest", "bilinear", "bicubic", "area", "lanczos"] | None = Field(
        None, description="interpolation of the resize; unset: the backbone's"
    )
    crop_pct: float | None = Field(
        None,
        gt=0,
        le=1,
        description="fraction of the shorter side that a crop keeps; unset: the backbone's",
    )
    equalize: Annotated[
        Literal["none", "histogram", "clahe"], BeforeValidator(lambda v: v or "none")
    ] = Field(
        "none",
        description="equalise the brightness of all images, of train and test: histogram (the "
        "whole image) or clahe (by region, with limited contrast)",
    )
    cache: Annotated[Literal["jpeg"] | bool, BeforeValidator(true_false_or("jpeg"))] = Field(
        True,
        description="decode each image once, and keep the result on disk; jpeg: resized images as "
        "JPEG, which needs a third of the room and changes pixels a little",
    )
    cache_gb: Annotated[Literal["auto"] | float, BeforeValidator(_gigabytes)] = Field(
        "auto", description="limit of all cached images in GB; auto: 20, or half of the free disk"
    )


class ThawConfig(Section):
    """When frozen stages start to train."""

    how: Literal["never", "staged", "at-once"] = Field(
        "never", description="never, staged (from the head down, one at a time), or at-once"
    )
    after: float = Field(1.0, ge=0, description="epochs before the first stage thaws")
    every: float = Field(1.0, gt=0, description="epochs between two stages, if staged")


class LossConfig(Section):
    """The loss that training minimizes."""

    name: LossName = Field(
        "own",
        description="own (the competition's, or the first that fits); classes: bce, ce, focal, "
        "arcface; several labels: bce, focal, asymmetric; grades: corn, cumulative; masks: bce, "
        "ce, focal, dice, bce_dice, ce_dice, lovasz, bce_lovasz, tversky; numbers and images: mse, "
        "mae, huber, smooth_l1, charbonnier",
    )
    gamma: float = Field(
        2.0, ge=0, description="focal: focusing parameter; easy samples count less if it is larger"
    )
    gamma_positive: float = Field(
        0.0, ge=0, description="asymmetric: focusing parameter of labels that a sample has"
    )
    gamma_negative: float = Field(
        4.0, ge=0, description="asymmetric: focusing parameter of labels that a sample lacks"
    )
    clip: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="asymmetric: probability up to which a label that a sample lacks costs nothing",
    )
    margin: float = Field(
        0.5, ge=0, le=1.5, description="arcface: angle in radians added to that of a sample's class"
    )
    scale: float = Field(
        30.0, gt=0, description="head.kind=cosine: factor of the cosines, also in predictions"
    )
    alpha: float = Field(0.3, ge=0, description="tversky: weight of pixels wrongly in the mask")
    beta: float = Field(0.7, ge=0, description="tversky: weight of pixels missing from the mask")
    region_weight: float = Field(
        0.5,
        ge=0,
        le=1,
        description="bce_dice, ce_dice and bce_lovasz: share of dice or lovasz in the sum",
    )
    delta: float = Field(
        0.1,
        gt=0,
        description="huber, smooth_l1 and charbonnier: size of an error at which the loss turns "
        "linear",
    )
    weights: Annotated[Literal["none", "balanced"], BeforeValidator(lambda v: v or "none")] = Field(
        "none", description="balanced: each class has the same total weight"
    )
    smoothing: float = Field(0.0, ge=0, lt=1, description="label smoothing")


class OptimConfig(Section):
    """The optimizer and the schedule of its learning rate."""

    name: str = Field(
        "adamw",
        description="optimizer, any name that timm knows: sgd, momentum, adagrad, rmsprop, adam, "
        "adamw, muon and more",
    )
    lr: Rate = Field(
        DEFAULT_RATE, gt=0, description="peak learning rate; auto: found by a range test"
    )
    weight_decay: float = Field(
        0.01, ge=0, description="L2: weight decay (not of norms and biases)"
    )
    l1: float = Field(
        0.0, ge=0, description="L1: factor of the sum of absolute weights in the loss"
    )
    momentum: float = Field(
        0.9, ge=0, lt=1, description="momentum of sgd and rmsprop; 0 turns it off"
    )
    betas: list[float] | None = Field(
        None,
        min_length=2,
        max_length=3,
        description="decay rates of the moments of Adam and related optimizers",
    )
    layer_decay: float | None = Field(
        None,
        gt=0,
        le=1,
        description="factor of the learning rate from each layer to the layer before it",
    )
    schedule: Schedule = Field(
        "cosine", description="schedule of the learning rate after the warm-up"
    )
    warmup: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="fraction of the steps in which the learning rate rises from lr/100 to lr "
        "(one-cycle: from lr/25)",
    )
    min_lr: float = Field(0.0, ge=0, description="learning rate at the end of cosine and plateau")
    decay: float = Field(
        0.1, gt=0, lt=1, description="step and plateau: factor of each drop of the learning rate"
    )
    every: float = Field(
        1 / 3, gt=0, le=1, description="step: fraction of the steps between two drops"
    )
    plateau_patience: int = Field(
        1, ge=0, description="plateau: validations without a better score before a drop"
    )
    clip_norm: float | None = Field(None, gt=0, description="largest norm of the gradient")
    accumulate: int = Field(
        1, ge=1, description="batches per optimizer step (gradient accumulation)"
    )
    ema: float | None = Field(
        None, gt=0, lt=1, description="decay of the exponential moving average of the weights"
    )
    sync_batch_norm: Literal["auto", "off"] = Field(
        "auto",
        description="a fold on several GPUs: auto gives BatchNorm the mean and variance of the "
        "whole batch, as on one GPU; off those of the part of each GPU, which is faster",
    )


class LoaderConfig(Section):
    """How samples become batches."""

    batch_size: BatchSize = Field(
        DEFAULT_SIZE,
        ge=1,
        description="samples per training batch; auto: the largest that fits a GPU, the smallest "
        "of the fast ones on the CPU",
    )
    repeats: int = Field(1, ge=1, description="times that each sample is drawn in one epoch")
    workers: int | None = Field(
        None,
        ge=0,
        description="processes that load and augment data, and read for large predictions; unset: "
        "0 on the CPU, up to 8 on a GPU",
    )
    augment: bool = Field(True, description="random augmentation of training samples")
    sampler: Literal["shuffle", "balanced", "own"] = Field(
        "shuffle",
        description="balanced: classes are drawn equally often; own: as the competition says",
    )
    mixup: float = Field(
        0.0, ge=0, description="mixup: alpha of the Beta distribution; 0 turns it off"
    )
    cutmix: float = Field(
        0.0, ge=0, description="cutmix: alpha of the Beta distribution; 0 turns it off"
    )
