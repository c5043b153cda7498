"""Checks, before a training, that a competition can do what `augment` and `image.equalize` ask."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from comp.config.augment import POLICIES, PRESETS
from comp.config.model import NETWORK
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.images.prepare import make_reader
from comp.data.images.prepared import PreparedImages
from comp.errors import ConfigError, DataError
from comp.pipeline.used_keys import recording

EIGHT_BITS = ("clahe", "equalize", "jpeg")
"""Keys of `augment` that change only images of 8 bits."""
ASKED = (*EIGHT_BITS, "resample", "sharpen", "stretch")
"""Keys of `augment` that are refused, not ignored, if a competition does not read them."""


def check_augmentation(competition: Competition, config: RunConfig) -> None:
    """Check that the pipeline of a competition of images has what the configuration turns on.

    Raises:
        ConfigError: it does not, or the images do not fit.
    """
    if config.image.equalize != "none" and competition.task.restores:
        raise ConfigError(
            f"image.equalize = {config.image.equalize} would change the images, and not the images "
            "that are their targets: set image.equalize = none"
        )
    preset = config.augment.preset
    asked = [key for key in ASKED if getattr(config.augment, key)]
    on_device = config.augment.on == "device"
    if not config.loader.augment or (preset == "none" and not asked and not on_device):
        return
    if preset in POLICIES:
        _check_policy(competition, config)
    read: set[str] = set()
    competition.pipeline(recording(config, read), True)
    if on_device and "augment.on" not in read:
        raise ConfigError(
            f"augment.on = device does nothing here: {competition.name} does not read it, because "
            "its plugin has a pipeline of its own: set augment.on = cpu"
        )
    strengths = {f"augment.{key}" for key in PRESETS["medium"]}
    if preset != "none" and not strengths & read:
        raise ConfigError(
            f"augment.preset = {preset} sets keys that {competition.name} does not read, because "
            "its plugin has a pipeline of its own: set augment.preset = none"
        )
    unread = [f"augment.{key}" for key in asked if f"augment.{key}" not in read]
    if unread and preset == "none":
        raise ConfigError(
            f"{unread[0]} does nothing here: {competition.name} does not read it, because its "
            f"plugin has a pipeline of its own: set {unread[0]} = 0"
        )


def _check_policy(competition: Competition, config: RunConfig) -> None:
    preset = config.augment.preset
    if competition.task.output == "image":
        raise ConfigError(
            f"augment.preset = {preset} rotates, shears and shifts images, and torchvision does "
            f"not move the targets of {competition.task.kind} with them: use light, medium or "
            "strong"
        )
    spec = competition.image_spec
    channels = spec(config).channels if spec and not competition.reader else 3
    if channels not in (1, 3):
        raise ConfigError(
            f"augment.preset = {preset} needs images of 1 or 3 channels, and these have "
            f"{channels}: use light, medium or strong"
        )


def needs_eight_bits(config: RunConfig) -> list[str]:
    """The settings of the augmentation that change only images of 8 bits."""
    augment = config.augment
    if not config.loader.augment:
        return []
    asked = [f"augment.{key}" for key in EIGHT_BITS if getattr(augment, key)]
    policy = [f"augment.preset = {augment.preset}"] if augment.preset in POLICIES else []
    return [*policy, *asked]


def check_first_image(
    competition: Competition, config: RunConfig, samples: Sequence[Sample], images: PreparedImages
) -> None:
    """Check that the first image that a competition's own reader returns has 8 bits, if the
    augmentation needs it, and 1 or 3 channels if a policy does.

    Raises:
        DataError: it does not.
    """
    asked = needs_eight_bits(config)
    first = next((sample for sample in samples if sample.image), None)
    if not asked or first is None or not competition.reader or NETWORK not in config.model:
        return
    with TemporaryDirectory(prefix="comp-") as folder:
        images.write_pointer(Path(folder))
        image = np.asarray(make_reader(competition, [first], config, Path(folder))(first)["image"])
    colours = config.augment.preset not in POLICIES or image.shape[-1] in (1, 3)
    if image.dtype != np.uint8 or not colours:
        needed = "8 bits" if image.dtype != np.uint8 else "1 or 3 channels"
        raise DataError(
            f"{asked[0]} needs images of {needed}, and the reader returns {image.dtype} of shape "
            f"{image.shape} for {first.id}: turn it off, or let the reader return uint8"
        )
